//! What a tier follows from.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::{Percentage, Precision};

/// One thing the network observed, and what it asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
pub struct Evidence {
    /// What was looked at, such as `prefill rate`.
    pub what: String,
    /// What was seen, with its unit.
    pub seen: String,
    /// What the next tier asks for, with its unit.
    pub asked: String,
    /// Whether that was met.
    pub met: bool,
    /// The same for programs; nothing where the router is older, or its code is newer than the node.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::known_code")]
    #[ts(optional)]
    pub found: Option<TierEvidence>,
}

impl Evidence {
    /// In words and for programs.
    pub fn new(found: TierEvidence, met: bool) -> Self {
        Self { what: found.what().to_owned(), seen: found.seen(), asked: found.asked(), met, found: Some(found) }
    }
}

/// What was observed and what was asked for, with the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum TierEvidence {
    /// Answers to the questions of a test.
    Answers {
        /// Wholly right ones.
        right: u32,
        /// Of so many.
        questions: u32,
        /// Right answers, in hundredths of one, partly right ones counted in part.
        score_hundredths: u32,
        /// The best answers of so many sets of questions count.
        sets: u32,
        /// Right ones that are asked for.
        needed: u32,
    },
    /// How fast a prompt is read.
    PrefillRate {
        /// Prompt tokens a second; nothing where the throughput test was not answered.
        tokens_a_second: Option<u32>,
        /// The same times the model's parameters.
        work_a_second: Option<u64>,
        /// What high-end asks for of that.
        needed_a_second: u64,
    },
    /// How fast an answer is written.
    DecodeRate {
        /// Tokens a second, in tenths of one; nothing where it was not measured.
        tokens_a_second_tenths: Option<u32>,
    },
    /// The format of the weights; full precision is asked for.
    Precision {
        /// Which.
        precision: Precision,
    },
    /// Answers are not those of the artifact that was claimed.
    AuditFailed {
        /// Answers to look at before most are believed.
        needed: u32,
    },
    /// Answers so far are those of the artifact that was claimed.
    AuditConsistent {
        /// Tokens that the reference would not have chosen.
        differing: u64,
        /// Of so many.
        tokens: u64,
        /// Answers to look at before most are believed.
        needed: u32,
    },
    /// Answers are being looked at and nothing is known yet.
    AuditOpen {
        /// Tokens that the reference would not have chosen.
        differing: u64,
        /// Of so many.
        tokens: u64,
        /// Answers to look at before most are believed.
        needed: u32,
    },
    /// Validators' marks of answers to open questions.
    OpenQuestions {
        /// Of the highest marks, on average.
        average: Percentage,
        /// Answers that were judged.
        answers: u32,
        /// What each is asked for; nothing where marks move no level.
        needed: Option<Percentage>,
    },
}

impl TierEvidence {
    /// What was looked at.
    pub const fn what(&self) -> &'static str {
        match self {
            Self::Answers { .. } => "answers",
            Self::PrefillRate { .. } => "prefill rate",
            Self::DecodeRate { .. } => "decode rate",
            Self::Precision { .. } => "precision",
            Self::AuditFailed { .. } | Self::AuditConsistent { .. } | Self::AuditOpen { .. } => "precision audit",
            Self::OpenQuestions { .. } => "open questions",
        }
    }

    /// What was seen, in English.
    fn seen(&self) -> String {
        match self {
            Self::Answers { right, questions, score_hundredths, sets, .. } => {
                let (whole, hundredths) = (score_hundredths / 100, score_hundredths % 100);
                let text = format!("{right} of {questions} correct; {whole}.{hundredths:02} with partly right ones");
                if *sets > 1 { format!("{text}, the best of {sets} sets") } else { text }
            }
            Self::PrefillRate { tokens_a_second: Some(rate), work_a_second: Some(work), .. } => {
                format!("{rate} prompt tokens/s, {work:.2e} parameters x tokens/s")
            }
            Self::PrefillRate { .. } => "not measured: the throughput test was not answered".to_owned(),
            Self::DecodeRate { tokens_a_second_tenths: Some(tenths) } => {
                format!("{:.1} tokens/s", f64::from(*tenths) / 10.0)
            }
            Self::DecodeRate { .. } => "not measured".to_owned(),
            Self::Precision { precision } => precision.to_string(),
            Self::AuditFailed { .. } => "the answers are not those of the artifact that was claimed".to_owned(),
            Self::AuditConsistent { differing, tokens, .. } => {
                format!("consistent with the claim: {differing} of {tokens} tokens differ from the reference")
            }
            Self::AuditOpen { differing, tokens, .. } => {
                format!("no verdict yet: {differing} of {tokens} tokens differ from the reference")
            }
            Self::OpenQuestions { average, answers, .. } => {
                format!("{average} of the highest marks on average of {answers} answers, as validators judged them")
            }
        }
    }

    /// What is asked for, in English.
    fn asked(&self) -> String {
        match self {
            Self::Answers { needed, .. } => format!("at least {needed} correct"),
            Self::PrefillRate { needed_a_second, .. } => {
                format!("{needed_a_second:.2e} parameters x tokens/s for high-end")
            }
            Self::DecodeRate { .. } => "no minimum".to_owned(),
            Self::Precision { .. } => "F16, BF16 or F32 for full precision".to_owned(),
            Self::AuditFailed { needed } | Self::AuditConsistent { needed, .. } | Self::AuditOpen { needed, .. } => {
                format!("answers as the claimed artifact gives them, {needed} looked at")
            }
            Self::OpenQuestions { needed: Some(least), .. } => format!("each at least {least}"),
            Self::OpenQuestions { needed: None, .. } => "nothing: these marks move no level".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(found: TierEvidence) -> [String; 3] {
        let evidence = Evidence::new(found, true);
        let text = serde_json::to_string(&evidence).unwrap();
        assert_eq!(serde_json::from_str::<Evidence>(&text).unwrap(), evidence, "{text}");
        [evidence.what, evidence.seen, evidence.asked]
    }

    #[test]
    fn what_was_seen_has_its_words_and_reads_back_the_same() {
        let answers = |sets| TierEvidence::Answers { right: 2, questions: 6, score_hundredths: 250, sets, needed: 2 };
        let prefill = |tokens_a_second, work_a_second| TierEvidence::PrefillRate {
            tokens_a_second,
            work_a_second,
            needed_a_second: 1_500_000_000_000,
        };
        let high_end = "1.50e12 parameters x tokens/s for high-end";
        let audit = "answers as the claimed artifact gives them, 10 looked at";
        for (found, expected) in [
            (answers(1), ["answers", "2 of 6 correct; 2.50 with partly right ones", "at least 2 correct"]),
            (
                answers(3),
                ["answers", "2 of 6 correct; 2.50 with partly right ones, the best of 3 sets", "at least 2 correct"],
            ),
            (
                prefill(Some(351), Some(47_200_000_000)),
                ["prefill rate", "351 prompt tokens/s, 4.72e10 parameters x tokens/s", high_end],
            ),
            (prefill(None, None), ["prefill rate", "not measured: the throughput test was not answered", high_end]),
            (
                TierEvidence::DecodeRate { tokens_a_second_tenths: Some(136) },
                ["decode rate", "13.6 tokens/s", "no minimum"],
            ),
            (TierEvidence::DecodeRate { tokens_a_second_tenths: None }, ["decode rate", "not measured", "no minimum"]),
            (
                TierEvidence::Precision { precision: Precision::Q8_0 },
                ["precision", "Q8_0", "F16, BF16 or F32 for full precision"],
            ),
            (
                TierEvidence::AuditFailed { needed: 10 },
                ["precision audit", "the answers are not those of the artifact that was claimed", audit],
            ),
            (
                TierEvidence::AuditConsistent { differing: 1, tokens: 90, needed: 10 },
                ["precision audit", "consistent with the claim: 1 of 90 tokens differ from the reference", audit],
            ),
            (
                TierEvidence::AuditOpen { differing: 0, tokens: 9, needed: 10 },
                ["precision audit", "no verdict yet: 0 of 9 tokens differ from the reference", audit],
            ),
        ] {
            assert_eq!(told(found), expected);
        }
    }

    #[test]
    fn marks_say_what_is_asked_for_where_they_count() {
        let percent = |number| Percentage::new(number).unwrap();
        for (needed, asked) in [(Some(percent(20)), "each at least 20 %"), (None, "nothing: these marks move no level")]
        {
            let found = TierEvidence::OpenQuestions { average: percent(61), answers: 4, needed };
            let seen = "61 % of the highest marks on average of 4 answers, as validators judged them";
            assert_eq!(told(found), ["open questions", seen, asked]);
        }
    }
}
