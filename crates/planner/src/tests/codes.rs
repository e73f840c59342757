//! What a plan says, for programs.

use serde_json::{Value, json};

use super::*;

fn planned() -> Plan {
    plan(&machine(13 * GIBI), &large_model(), &measured_large(), &PlanSettings::default()).unwrap()
}

#[test]
fn every_sentence_has_its_code() {
    let plan = planned();
    for choice in [&plan.precision, &plan.volume] {
        let why: Vec<String> = choice.why.iter().flatten().map(ToString::to_string).collect();
        assert_eq!(why, choice.reasons);
        for other in &choice.runners_up {
            assert_eq!(other.why.as_ref().map(ToString::to_string).as_deref(), Some(other.why_not.as_str()));
        }
    }
    for one in &plan.alternatives {
        assert_eq!(one.why.as_ref().map(ToString::to_string).as_deref(), Some(one.reason.as_str()));
    }
}

#[test]
fn a_plan_of_an_older_or_a_newer_miner_is_read_without_its_codes() {
    let plan = planned();
    let told = serde_json::to_value(&plan).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(told.clone()).unwrap(), plan);
    for newer in [None, Some(json!({ "code": "dance", "times": 3 })), Some(json!([{ "code": "dance" }]))] {
        let mut other = told.clone();
        say(&mut other, "other_builds", newer.as_ref());
        say(&mut other["volume"], "why", newer.as_ref());
        say(&mut other["volume"]["runners_up"][0], "why", newer.as_ref());
        say(&mut other["alternatives"][0], "why", newer.as_ref());
        let read: Plan = serde_json::from_value(other).unwrap();
        assert_eq!((&read.volume.why, &read.volume.reasons), (&None, &plan.volume.reasons), "{newer:?}");
        assert_eq!((&read.volume.runners_up[0].why, &read.alternatives[0].why), (&None, &None), "{newer:?}");
        assert_eq!((&read.precision, &read.other_builds), (&plan.precision, &None));
    }
}

fn say(of: &mut Value, field: &str, code: Option<&Value>) {
    let fields = of.as_object_mut().unwrap();
    fields.remove(field);
    fields.extend(code.map(|code| (field.to_owned(), code.clone())));
}
