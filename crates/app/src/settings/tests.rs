use super::*;

#[test]
fn a_setting_that_is_not_one_or_out_of_range_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::at(folder.path());
    assert_eq!(Settings::read(&folders).unwrap(), Settings::default());
    for (text, told) in [
        ("slot = 2", "slot"),
        ("slots = 0", "between 1 and 64"),
        ("slots = ", "correct it"),
        ("language = \"tlh\"", "`en`, `de`, `es`"),
    ] {
        fs::write(folders.settings(), text).unwrap();
        let error = Settings::read(&folders).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
    fs::write(folders.settings(), "slots = 3\nlanguage = \"de\"").unwrap();
    let settings = Settings::read(&folders).unwrap();
    assert_eq!((settings.slots, settings.language), (Some(3), Some(Language::De)));
}

#[test]
fn settings_are_written_whole_or_refused_and_left_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let folders = Folders::at(folder.path());
    let good = Settings { slots: Some(3), keep_prompts: true, router: text("ws://a:1/x"), ..Settings::default() };
    good.write(&folders).unwrap();
    let paying = |electricity| Settings { electricity, ..good.clone() };
    let dear = Electricity { price_per_kwh: Some(Money::from_millionths(1 << 40)), ..Electricity::default() };
    let nameless = Electricity { currency: String::new(), ..Electricity::default() };
    let paid_to = |address| Settings { payout_address: text(address), ..good.clone() };
    for (bad, told, field) in [
        (Settings { slots: Some(0), ..good.clone() }, "between 1 and 64", "slots"),
        (Settings { router: text("http://a"), ..good.clone() }, "WebSocket", "router"),
        (Settings { router: text("a"), ..good.clone() }, "WebSocket", "router"),
        (paying(dear), "between 0 and 10000", "electricity.price_per_kwh"),
        (paying(nameless), "such as EUR", "electricity.currency"),
        (seen_at(&good, 5010), "practice network", "status_page.listen"),
        (paid_to("0x12"), "hexadecimal", "payout_address"),
        (paid_to("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD"), "hecksum", "payout_address"),
    ] {
        let failure = crate::Failure::from(bad.write(&folders).unwrap_err());
        assert!(failure.message.contains(told) && failure.field.as_deref() == Some(field), "{failure:?}");
        assert_eq!(Settings::read(&folders).unwrap(), good);
    }
    let live = Settings { language: Some(Language::Es), update_channel: UpdateChannel::Beta, ..good.clone() };
    assert!(!good.needs_restart(&live) && !Settings::default().needs_restart(&seen_at(&Settings::default(), 5021)));
    let electricity = Electricity { price_per_kwh: Some(Money::from_millionths(300_000)), ..Electricity::default() };
    let payout_address = text("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
    let paid = Settings { payout_address, electricity, ..good.clone() };
    paid.write(&folders).unwrap();
    assert_eq!(Settings::read(&folders).unwrap(), paid);
    assert!(!good.needs_restart(&paid) && good.needs_restart(&Settings { slots: Some(4), ..paid }));
    assert!(!SettingsView::of(&folders, Some(&good)).restart_needed);
    fs::write(folders.settings(), "slots = ").unwrap();
    let view = SettingsView::of(&folders, None);
    assert!(view.restart_needed && view.problem.is_some() && view.settings == Settings::default());
}

fn seen_at(settings: &Settings, port: u16) -> Settings {
    let status_page = StatusPageSettings { on: true, listen: SocketAddr::from(([0, 0, 0, 0], port)) };
    Settings { status_page, router: None, ..settings.clone() }
}

#[expect(clippy::unnecessary_wraps, reason = "the shape of a setting")]
fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}
