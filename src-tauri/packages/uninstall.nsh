; What the uninstaller of Windows adds to Tauri's. Its box "delete the application data" means the window's own folder, named after
; the bundle; what the miner keeps is elsewhere, and its key is in Windows' keychain. So whoever ticks it is told, and can go back and have
; the miner remove what it keeps, which asks about models and key. Updates and silent removals are not asked.
!macro NSIS_HOOK_PREUNINSTALL
  ${If} $UpdateMode <> 1
  ${AndIf} $DeleteAppDataCheckboxState = 1
  ${AndIf} ${FileExists} "$LOCALAPPDATA\Cortensor\Cortensor Miner\data\*.*"
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Models, earnings, settings and the node's key are kept, whatever you ticked:$\r$\n$LOCALAPPDATA\Cortensor\Cortensor Miner$\r$\n$\r$\nTo have them deleted, choose No, open Cortensor Miner and choose About, $\"Remove this miner from this computer$\"; then uninstall it.$\r$\n$\r$\nUninstall now and keep them?" /SD IDYES IDYES cortensor_goes_on
    Quit
    cortensor_goes_on:
  ${EndIf}
!macroend
