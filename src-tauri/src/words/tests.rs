use cortensor_app::{FailureCode, PassphraseRequest, ProblemCode};
use cortensor_protocol::{Capability, PrecisionClass, Tier, TierReport};
use serde_json::json;

use super::*;

fn now() -> Zoned {
    "2026-03-02T14:15:00[UTC]".parse().unwrap()
}

fn is(phase: Phase, change: impl FnOnce(&mut Status)) -> Status {
    let mut status = Status::default();
    status.phase = phase;
    change(&mut status);
    status
}

/// In so many minutes.
fn after(minutes: i64) -> Millis {
    Millis(now().timestamp().as_millisecond() + minutes * 60_000)
}

/// That nothing was left unsaid: no key stands for its message, and no name for its value.
fn is_whole(said: &str) -> bool {
    let is_key = said.contains('.') && !said.contains(' ');
    !said.is_empty() && !said.contains("{{") && !is_key
}

#[test]
fn the_line_says_how_the_miner_is_and_until_when() {
    let words = Words::of(Language::En);
    for (status, said) in [
        (is(Phase::Mining, |_| ()), "Mining · 0.00 practice credits today"),
        (is(Phase::Paused, |status| status.paused_until = Some(after(15))), "Paused until 14:30 · "),
        (is(Phase::Paused, |status| status.paused_until = Some(after(945))), "Paused until 06:00 tomorrow · "),
        (is(Phase::Paused, |status| status.aside = vec![Reason::Battery]), "Paused · On battery · "),
        (is(Phase::Mining, |status| status.aside = vec![Reason::Battery]), "Mining · "),
        (is(Phase::Draining, |status| status.paused_until = Some(after(15))), "Finishing · "),
        (
            is(Phase::Starting, |status| status.passphrase = Some(PassphraseRequest { new: false, refused: None })),
            "Waiting for your passphrase · ",
        ),
    ] {
        let line = words.state(&status, &now());
        assert!(line.starts_with(said), "{line}");
    }
}

#[test]
fn the_line_is_in_the_language_of_the_window_with_its_decimal_mark() {
    let tier = Tier { capability: Capability::HighEnd, precision: PrecisionClass::Full };
    let report = TierReport {
        tier: Some(tier),
        tested_at: Millis(0),
        evidence: Vec::new(),
        next_step: String::new(),
        step: None,
    };
    let mut mining = is(Phase::Mining, |status| status.tier = Some(report));
    mining.earnings.today = "1.5".parse().unwrap();
    let tomorrow = is(Phase::Paused, |status| status.paused_until = Some(after(945)));
    for (language, line, paused) in [
        (
            Language::En,
            "Mining · High-end, full precision · 1.50 practice credits today",
            "Paused until 06:00 tomorrow · 0.00 practice credits today",
        ),
        (
            Language::De,
            "Mining läuft · High-End, volle Genauigkeit · 1,50 Übungs-Credits heute",
            "Pausiert bis morgen, 06:00 · 0,00 Übungs-Credits heute",
        ),
        (
            Language::Es,
            "Minando · Gama alta, precisión completa · 1,50 créditos de práctica hoy",
            "En pausa hasta mañana a las 06:00 · 0,00 créditos de práctica hoy",
        ),
    ] {
        let words = Words::of(language);
        assert_eq!([words.state(&mining, &now()), words.state(&tomorrow, &now())], [line, paused]);
    }
}

#[test]
fn every_state_and_every_reason_is_said_in_every_language() {
    let reasons = json!([
        { "is": "in_use" },
        { "is": "battery" },
        { "is": "full_screen" },
        { "is": "program", "name": "steam" },
        { "is": "hot", "celsius": 91, "limit": 90 },
        { "is": "processor", "percent": 61, "limit": 50 },
        { "is": "graphics", "percent": 61, "limit": 50 },
        { "is": "metered" },
        { "is": "hours", "until": { "weekday": "tuesday", "minute": 1080 } },
    ]);
    let reasons: Vec<Reason> = serde_json::from_value(reasons).unwrap();
    let phases = [
        Phase::Starting,
        Phase::Offline,
        Phase::Testing,
        Phase::Untrusted,
        Phase::Mining,
        Phase::Hindered,
        Phase::Switching,
        Phase::Draining,
        Phase::Paused,
        Phase::Stopped,
        Phase::Failed,
    ];
    for words in LANGUAGES.map(Words::of) {
        let states = phases.iter().flat_map(|phase| words.phase(&is(*phase, |_| ()), &now()));
        let said: Vec<String> = states.chain(reasons.iter().map(|reason| words.reason(reason))).collect();
        assert_eq!(said.len(), phases.len() + reasons.len());
        assert!(said.iter().all(|said| is_whole(said)), "{said:?}");
    }
    let german = Words::of(Language::De);
    assert_eq!(german.reason(&reasons[8]), "Außerhalb der eingestellten Zeiten, bis Dienstag 18:00");
}

#[test]
fn every_notification_is_said_in_every_language() {
    let undone = RolledBack {
        version: "0.2.0".parse().unwrap(),
        to: "0.1.0".parse().unwrap(),
        reason: "it ended at once.".to_owned(),
        at: Millis(0),
    };
    for words in LANGUAGES.map(Words::of) {
        let told = [
            words.undone(&undone),
            words.notice(&Notice::Passphrase),
            words.notice(&Notice::Untrusted),
            words.notice(&Notice::Unreachable),
            words.told("desktop.notice.in_tray"),
            words.told("desktop.notice.update"),
        ];
        assert!(told.iter().all(|(title, body)| is_whole(title) && is_whole(body)), "{told:?}");
        assert!(words.update("0.2.0").contains("0.2.0"));
    }
    let (_, english) = Words::of(Language::En).undone(&undone);
    assert_eq!(english, "0.2.0 did not work here: it ended at once. 0.1.0 runs again. 0.2.0 is not offered again.");
}

#[test]
fn what_there_is_in_english_only_is_led_by_the_language_of_the_window() {
    let codes = [
        ProblemCode::Identity,
        ProblemCode::Model,
        ProblemCode::Plan,
        ProblemCode::Engine,
        ProblemCode::Files,
        ProblemCode::Network,
        ProblemCode::InUse,
    ];
    let failures = [FailureCode::Stopped, FailureCode::NotLoaded, FailureCode::NotKept, FailureCode::Request];
    let message = || "no room on the disk".to_owned();
    for words in LANGUAGES.map(Words::of) {
        let problems = codes.map(|code| words.notice(&Notice::Problem(Problem { code, message: message() })));
        let failures = failures.map(|code| words.failure(&Failure::new(code, message())));
        for (title, body) in problems.into_iter().chain(failures) {
            assert!(is_whole(&title) && is_whole(&body), "{title}: {body}");
            let lead = body.strip_suffix("No room on the disk.").unwrap();
            assert_eq!(lead.is_empty(), words.language() == Language::En, "{body}");
            assert!(lead.is_empty() || lead.ends_with(". "), "{body}");
        }
    }
    let files = Notice::Problem(Problem { code: ProblemCode::Files, message: message() });
    let (_, spanish) = Words::of(Language::Es).notice(&files);
    assert!(spanish.starts_with("Los archivos propios del minero no se pueden usar. Libere espacio"), "{spanish}");
}

#[test]
fn messages_become_sentences() {
    for (message, said) in [
        ("connection refused", "Connection refused."),
        ("Done.", "Done."),
        ("not found (os error 2)", "Not found (os error 2)."),
        ("not read (this is rare.)", "Not read (this is rare.)"),
        ("", ""),
    ] {
        assert_eq!(sentence(message), said);
    }
}
