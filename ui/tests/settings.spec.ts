import { expect, test } from "./miner";

test("what is wrong is said at its field, and nothing of it is saved", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  const slots = page.getByRole("textbox", { name: /^Requests/ });
  await slots.fill("100");
  await expect(page.getByText("1 unsaved change")).toBeVisible();
  await expect(page.getByText("Choose between 1 and 64")).toBeVisible();
  await expect(slots).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("textbox", { name: "Payout address" }).fill("0x12");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText(/A payout address is 0x and 40/)).toBeVisible();
  await expect(slots).toBeFocused();
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(slots).toHaveValue("");
  await expect(page.getByText("unsaved change")).toBeHidden();
});

test("settings are saved, and a restart with progress puts them to use", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  await page.getByRole("textbox", { name: /^Memory for the model/ }).fill("4.5");
  await page.getByRole("textbox", { name: /^Context/ }).fill("2048");
  await page.keyboard.press("Enter");
  await expect(page.getByText("take effect after a restart")).toBeVisible();
  await page.getByRole("button", { name: "Restart now" }).click();
  await expect(page.getByRole("progressbar", { name: "Restarting" })).toBeVisible();
  await miner.pass(20_000);
  await expect(page.getByText("Restarted with the new settings.")).toBeVisible();
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(page.getByRole("textbox", { name: /^Memory for the model/ })).toHaveValue("4.5");
  await expect(page.getByText("take effect after a restart")).toBeHidden();
});

test("the rules for stepping aside hold without a restart, and hours that are none are told how to be written", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  await page.getByRole("switch", { name: "Pause on battery" }).click();
  const hours = page.getByRole("textbox", { name: "Mine only in these hours" });
  await hours.fill("at night");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Write hours like mon-fri 18:00-08:00, with commas")).toBeVisible();
  await hours.fill("mon-fri 18:00-08:00");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("unsaved change")).toBeHidden();
  await expect(page.getByText("take effect after a restart")).toBeHidden();
  await expect(page.getByRole("switch", { name: "Pause on battery" })).not.toBeChecked();
});

test("a faulty field that is out of sight is brought into the middle, with its name, and has the focus", async ({ page, miner }) => {
  await page.setViewportSize({ width: 1080, height: 600 });
  await miner.open({ screen: "settings" });
  const context = page.getByRole("textbox", { name: /^Context/ });
  await context.fill("3");
  const place = () => context.evaluate((field) => {
    const label = document.querySelector(`label[for="${field.id}"]`);
    const bar = document.querySelector("[aria-label='Unsaved changes']");
    return { top: label?.getBoundingClientRect().top ?? 0, room: (bar?.getBoundingClientRect().top ?? 0) - field.getBoundingClientRect().bottom };
  });
  for (const where of [0, 1]) {
    await page.locator("main").evaluate((main, share) => main.scrollTo(0, share * main.scrollHeight), where);
    await page.getByRole("button", { name: "Save" }).click();
    await expect(context).toBeFocused();
    expect((await place()).top).toBeGreaterThan(80);
    expect((await place()).room).toBeGreaterThan(80);
    await page.getByRole("button", { name: "Save" }).focus();
  }
});

test("everything goes back to its default once that is confirmed", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  const reset = page.getByRole("button", { name: "Reset…" });
  await expect(reset).toBeDisabled();
  const hours = page.getByRole("textbox", { name: "Mine only in these hours" });
  await hours.fill("mon-fri 18:00-08:00");
  await page.getByRole("switch", { name: "Pause on battery" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("2 settings are not as they are by default.")).toBeVisible();
  await reset.press("Enter");
  await page.keyboard.press("Escape");
  await expect(reset).toBeFocused();
  await expect(hours).toHaveValue("mon-fri 18:00-08:00");
  await reset.press("Enter");
  await page.getByRole("dialog", { name: "Reset all settings?" }).getByRole("button", { name: "Reset" }).click();
  await expect(hours).toHaveValue("");
  await expect(page.getByRole("switch", { name: "Pause on battery" })).toBeChecked();
  await expect(reset).toBeDisabled();
});

test("another router needs its address", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  await page.getByRole("radio", { name: /Another router/ }).check();
  await expect(page.getByRole("textbox", { name: "The practice network listens on" })).toBeHidden();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Enter the address of the router")).toBeVisible();
  await page.getByRole("textbox", { name: "Address of the router" }).fill("wss://router.example.net");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("take effect after a restart")).toBeVisible();
});

test("what only the miner can tell is said where it was saved", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  await page.getByRole("textbox", { name: "Payout address" }).fill(`0x${"ab".repeat(18)}aBad`);
  const address = page.getByRole("textbox", { name: "Payout address" });
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("region", { name: "Unsaved changes" }).getByRole("alert")).toContainText("its checksum is wrong");
  // Also beside the field, which is brought into sight with its name and not to the very edge.
  await expect(address).toBeFocused();
  await expect(address).toHaveAttribute("aria-invalid", "true");
  expect((await address.boundingBox())?.y).toBeGreaterThan(100);
  await address.fill(`0x${"ab".repeat(20)}`);
  await expect(address).not.toHaveAttribute("aria-invalid", "true");
});

test("what closing the window does is saved and holds without a restart; starting at login holds at once", async ({ page, miner }) => {
  await miner.open({ screen: "settings" });
  const tray = page.getByRole("switch", { name: "Go on in the tray" });
  await expect(tray).toBeChecked();
  await tray.click();
  await page.getByRole("switch", { name: "Notify me" }).click();
  await expect(page.getByText("2 unsaved changes")).toBeVisible();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("take effect after a restart")).toBeHidden();
  const login = page.getByRole("switch", { name: "Start when I log in" });
  await login.click();
  await expect(login).toBeChecked();
  await expect(page.getByText("unsaved change")).toBeHidden();
  await page.getByRole("link", { name: "Home" }).click();
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(login).toBeChecked();
  await expect(tray).not.toBeChecked();
});

test("a system that does not start the miner at login is told as it is, and so is one without a tray", async ({ page, miner }) => {
  await miner.open({ scenario: "paused-until", screen: "settings" });
  await expect(page.getByText("This desktop shows no tray")).toBeVisible();
  const login = page.getByRole("switch", { name: "Start when I log in" });
  await login.click();
  await expect(page.getByRole("alert").filter({ hasText: "was not changed" }).first()).toBeVisible();
  await expect(login).not.toBeChecked();
});
