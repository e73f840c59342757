use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn at(weekday: Weekday, hour: u32, minute: u32) -> LocalTime {
    LocalTime { weekday, minute: hour * 60 + minute }
}

fn all_on() -> Rules {
    Rules {
        in_use_seconds: 120,
        programs: vec!["game".to_owned()],
        others_cpu_percent: 50,
        others_gpu_percent: 50,
        hours: vec!["mon-fri 18:00-08:00".parse().unwrap()],
        ..Rules::default()
    }
}

/// Everything broken at once.
fn broken() -> Readings {
    Readings {
        untouched: Some(seconds(5)),
        on_battery: Some(true),
        full_screen: Some(true),
        metered: Some(true),
        program: Some("game".to_owned()),
        celsius: Some(95.4),
        others_cpu: Some(0.8),
        others_gpu: Some(0.9),
        local_time: Some(at(Weekday::Tuesday, 12, 0)),
    }
}

#[test]
fn every_broken_rule_is_a_reason_at_once_and_says_so_in_words() {
    let reasons = Manners::default().look(seconds(1), &all_on(), &broken());
    let words: Vec<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        [
            "outside the hours that are set, until Tuesday 18:00",
            "on battery",
            "game runs",
            "a program fills the screen",
            "somebody uses this computer",
            "95 °C, more than the 90 °C that are set",
            "other programs take 80 % of the processor, more than the 50 % that are set",
            "other programs take 90 % of the graphics card, more than the 50 % that are set",
            "the connection is metered",
        ]
    );
}

#[test]
fn what_is_turned_off_or_cannot_be_known_holds_nothing_back() {
    let off = Rules { battery: false, full_screen: false, metered: false, celsius: 0, ..Rules::default() };
    assert_eq!(Manners::default().look(seconds(1), &off, &broken()), []);
    assert_eq!(Manners::default().look(seconds(1), &all_on(), &Readings::default()), []);
}

#[test]
fn a_rule_turned_off_lets_go_at_once() {
    let mut manners = Manners::default();
    let battery = Readings { on_battery: Some(true), ..Readings::default() };
    assert_eq!(manners.look(seconds(1), &Rules::default(), &battery), [Reason::Battery]);
    let off = Rules { battery: false, ..Rules::default() };
    assert_eq!(manners.look(seconds(1), &off, &battery), []);
}

#[test]
fn a_reason_ends_after_its_calm_and_a_flicker_does_not_end_it() {
    let (film, desk) = (
        Readings { full_screen: Some(true), ..Readings::default() },
        Readings { full_screen: Some(false), ..Readings::default() },
    );
    let mut manners = Manners::default();
    let mut holds = |second, readings| !manners.look(seconds(second), &Rules::default(), readings).is_empty();
    assert!(holds(10, &film));
    assert!(holds(15, &desk), "between two films");
    assert!(holds(16, &film));
    assert!(holds(26, &desk));
    assert!(!holds(27, &desk), "ten seconds of calm are over");
}

#[test]
fn a_limit_is_kept_again_only_at_a_distance_and_keeps_its_first_figure() {
    let mut manners = Manners::default();
    let mut celsius = |second, celsius| {
        let readings = Readings { celsius: Some(celsius), ..Readings::default() };
        manners.look(seconds(second), &Rules::default(), &readings)
    };
    assert_eq!(celsius(0, 90.0), []);
    assert_eq!(celsius(1, 91.0), [Reason::Hot { celsius: 91, limit: 90 }]);
    for second in 2..60 {
        assert_eq!(celsius(second, 86.0), [Reason::Hot { celsius: 91, limit: 90 }], "not five degrees below");
    }
    assert_eq!(celsius(74, 84.0), [Reason::Hot { celsius: 91, limit: 90 }]);
    assert_eq!(celsius(75, 84.0), []);
}

#[test]
fn hours_are_read_over_midnight_and_over_the_end_of_the_week() {
    use Weekday::{Friday, Monday, Saturday, Sunday};
    let cases = [
        ("mon-fri 18:00-08:00", at(Monday, 18, 0), None),
        ("mon-fri 18:00-08:00", at(Monday, 8, 0), Some(at(Monday, 18, 0))),
        ("mon-fri 18:00-08:00", at(Saturday, 7, 59), None),
        ("mon-fri 18:00-08:00", at(Saturday, 8, 0), Some(at(Monday, 18, 0))),
        ("mon-fri 18:00-08:00", at(Monday, 7, 0), Some(at(Monday, 18, 0))),
        ("sun 22:00-06:00", at(Monday, 5, 59), None),
        ("sun 22:00-06:00", at(Monday, 6, 0), Some(at(Sunday, 22, 0))),
        ("fri-mon 00:00-24:00", at(Sunday, 23, 59), None),
        ("fri-mon 00:00-24:00", at(Weekday::Thursday, 23, 59), Some(at(Friday, 0, 0))),
    ];
    for (text, now, until) in cases {
        let hours: Hours = text.parse().unwrap();
        assert_eq!(Hours::next(&[hours], now), until, "{text} at {now}");
        assert_eq!(String::from(hours), text);
    }
    assert_eq!(Hours::next(&[], at(Monday, 0, 0)), None, "no hours set: at any time");
}

#[test]
fn what_is_no_hours_is_refused_with_an_example() {
    for text in ["", "mon", "mon 25:00-26:00", "mon 08:00-08:00", "noday 08:00-09:00", "mon 24:00-08:00", "mon 8-9"] {
        let error = text.parse::<Hours>().unwrap_err();
        assert!(error.to_string().contains("mon-fri 18:00-08:00"), "{error}");
    }
}

#[test]
fn rules_are_read_from_the_settings_file_and_unknown_names_are_refused() {
    let rules: Rules = toml::from_str("in_use_seconds = 60\nhours = [\"sat 10:00-12:00\"]").unwrap();
    assert_eq!(rules.in_use_seconds, 60);
    assert!(rules.battery, "what is not said is the default");
    assert_eq!(toml::from_str::<Rules>(&toml::to_string(&rules).unwrap()).unwrap(), rules);
    assert!(toml::from_str::<Rules>("batery = false").is_err());
    assert!(toml::from_str::<Rules>("hours = [\"always\"]").unwrap_err().to_string().contains("mon-fri"));
}

proptest! {
    #[test]
    fn in_any_hours_there_is_no_waiting_and_outside_of_them_it_ends_with_them(
        first in 0_usize..7, last in 0_usize..7, from in 0_u32..1440, to in 0_u32..=1440, now in 0_u32..10080,
    ) {
        prop_assume!(from != to);
        let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
        let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let hours: Hours = format!("{}-{} {}-{}", days[first], days[last], clock(from), clock(to)).parse().unwrap();
        let weekdays =
            [Weekday::Monday, Weekday::Tuesday, Weekday::Wednesday, Weekday::Thursday, Weekday::Friday, Weekday::Saturday, Weekday::Sunday];
        let now = LocalTime { weekday: weekdays[now as usize / 1440], minute: now % 1440 };
        if let Some(until) = Hours::next(&[hours], now) {
            prop_assert_ne!(until, now);
            prop_assert_eq!(Hours::next(&[hours], until), None);
        }
    }

    #[test]
    fn whatever_is_read_what_is_off_never_holds(second in 0_u64..1000, celsius in -50.0_f32..200.0, share in 0.0_f32..1.0) {
        let rules = Rules { celsius: 0, ..Rules::default() };
        let readings = Readings { celsius: Some(celsius), others_cpu: Some(share), others_gpu: Some(share), ..Readings::default() };
        prop_assert_eq!(Manners::default().look(seconds(second), &rules, &readings), []);
    }
}
