use super::*;

fn off() -> Rules {
    Rules { battery: false, full_screen: false, metered: false, celsius: 0, ..Rules::default() }
}

#[test]
fn what_no_rule_asks_for_is_not_read() {
    assert_eq!(Senses::default().read(&off()), Readings::default());
}

#[test]
fn a_program_that_runs_is_found_by_the_name_of_its_file() {
    let own = std::env::current_exe().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    let rules = Rules { programs: vec!["no-such-program".to_owned(), own.to_uppercase()], ..off() };
    assert_eq!(Senses::default().read(&rules).program, Some(own.to_uppercase()));
    let rules = Rules { programs: vec!["no-such-program".to_owned()], ..off() };
    assert_eq!(Senses::default().read(&rules).program, None);
}

#[test]
fn names_are_compared_as_the_system_keeps_them() {
    assert_eq!(plain("Game.EXE"), "game");
    assert_eq!(plain("game"), "game");
    if cfg!(target_os = "linux") {
        assert_eq!(system_name(" a-very-long-program-name.exe "), "a-very-long-pro");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_others_take_of_the_processor_is_known_from_the_second_reading_on() {
    let (senses, rules) = (Senses::default(), Rules { others_cpu_percent: 50, ..off() });
    assert_eq!(senses.read(&rules).others_cpu, None);
    let share = (0..u32::MAX).find_map(|_| senses.read(&rules).others_cpu).unwrap();
    assert!((0.0..=1.0).contains(&share), "{share}");
}

#[test]
fn the_time_is_told_where_hours_are_set() {
    let rules = Rules { hours: vec!["mon-sun 00:00-24:00".parse().unwrap()], ..off() };
    assert!(Senses::default().read(&rules).local_time.is_some_and(|time| time.minute < 24 * 60));
}
