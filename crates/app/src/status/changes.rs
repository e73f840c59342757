//! How a status changes: by what the life does and by what the network says.

use cortensor_node::{Connection, NodeState};
use cortensor_planner::{RequestShape, TYPICAL_REQUEST, rescaled};
use cortensor_protocol::{Amount, PriceList, Tier, Usage};

use super::{ModeView, Phase, Problem, ProblemCode, Status, Step, StepName, StepState};
use crate::{lab::Losses, survey};

impl Status {
    /// A miner that did not start.
    pub fn failed(problem: Problem) -> Self {
        Self { phase: Phase::Failed, problem: Some(problem), ..Self::default() }
    }

    /// Takes over what the node says of itself.
    pub(crate) fn follow(&mut self, node: &NodeState) {
        self.connection = node.connection.clone();
        self.testing = node.testing;
        self.tier.clone_from(&node.tier);
        self.standing.clone_from(&node.standing);
        self.running = node.running();
        self.idle_since = node.idle_since;
        self.tasks = node.tasks();
        self.prices = node.prices;
        let tier = node.tier.as_ref().and_then(|report| report.tier);
        self.modes.iter_mut().for_each(|view| view.follow(tier, node.prices.as_ref()));
        if self.phase != Phase::Failed {
            let problem = |message| Problem { code: ProblemCode::Files, message };
            self.problem = node.trouble.clone().map(problem).or_else(|| self.given_up.clone());
        }
        if let (Some(serving), Some(mode)) = (&node.serving, self.mode) {
            let view = self.modes.iter_mut().find(|view| view.mode == mode && serving.mode == mode);
            if let Some(view) = view.filter(|_| node.work.served > 0) {
                view.work = node.work;
                view.measured_requests_per_hour = view.measured();
            }
        }
        self.settle();
    }

    /// Finds the one word: what the life does, or else what the network says.
    pub(crate) fn settle(&mut self) {
        if matches!(self.phase, Phase::Stopped | Phase::Failed) {
            return;
        }
        self.phase = self.held.unwrap_or_else(|| self.by_network());
        match self.phase {
            Phase::Testing => {
                self.done(StepName::Join, joined(&self.connection));
                let (progress, words) = tests_in_words(self.testing);
                self.step(StepName::Test, progress, words);
            }
            Phase::Mining if !(self.is_done(StepName::Test) && self.is_done(StepName::Mine)) => {
                let tier = self.tier.as_ref().and_then(|report| report.tier);
                self.done(StepName::Join, joined(&self.connection));
                self.done(StepName::Test, tier.map_or_else(String::new, |tier| format!("tier: {tier}")));
                self.done(StepName::Mine, "taking tasks");
            }
            Phase::Untrusted => {
                self.done(StepName::Join, joined(&self.connection));
                self.done(StepName::Test, "not passed; the network will test again");
            }
            _ => {}
        }
    }

    fn by_network(&self) -> Phase {
        match (&self.connection, self.testing, &self.tier) {
            (Connection::Connected { .. }, ..) if self.problem.is_some() => Phase::Hindered,
            (Connection::Connected { .. }, None, Some(report)) if report.tier.is_some() => Phase::Mining,
            (Connection::Connected { .. }, None, Some(_)) => Phase::Untrusted,
            (Connection::Connected { .. }, _, _) => Phase::Testing,
            _ => Phase::Offline,
        }
    }

    pub(crate) fn is_running(&self, name: StepName) -> bool {
        self.steps.iter().any(|step| step.name == name && matches!(step.state, StepState::Running { .. }))
    }

    fn is_done(&self, name: StepName) -> bool {
        self.steps.iter().any(|step| step.name == name && step.state == StepState::Done)
    }

    /// Begins or goes on with a step; what comes before it is done. What comes behind it is still to come, unless tasks
    /// go on meanwhile.
    pub(crate) fn step(&mut self, name: StepName, progress: Option<f32>, detail: impl Into<String>) {
        self.steps.iter_mut().filter(|step| step.name < name).for_each(|step| step.state = StepState::Done);
        if self.held == Some(Phase::Starting) {
            self.steps.retain(|step| step.name <= name);
        }
        self.put(Step { name, state: StepState::Running { progress }, detail: detail.into() });
    }

    /// Moves a step that is running; one that has ended stays so, for progress can arrive late.
    pub(crate) fn progress(&mut self, name: StepName, done: f32) {
        let running = self.steps.iter_mut().find(|step| step.name == name);
        if let Some(Step { state: StepState::Running { progress }, .. }) = running {
            *progress = Some(done);
        }
    }

    /// Says that the engine was given up, or is not any more. What else is wrong stays said.
    pub(crate) fn give_up(&mut self, problem: Option<Problem>) {
        if self.problem.is_none() || self.problem == self.given_up {
            self.problem.clone_from(&problem);
        }
        self.given_up = problem;
    }

    /// Says what was measured of what each precision loses.
    pub(crate) fn show_losses(&mut self, losses: &Losses) {
        for view in &mut self.modes {
            view.loss = view.benchmark.and_then(|benchmark| losses.of(benchmark.artifact));
        }
        for measured in &mut self.measurements {
            measured.loss = losses.of(measured.measurement.artifact);
        }
        if let Some(plan) = self.plan.clone() {
            survey::show_choice(self, &plan);
        }
    }

    /// Ends a step.
    pub(crate) fn done(&mut self, name: StepName, detail: impl Into<String>) {
        self.put(Step { name, state: StepState::Done, detail: detail.into() });
    }

    /// The life is over: nothing is asked, measured or switched any more.
    pub(crate) fn end(&mut self, phase: Phase) {
        self.phase = phase;
        (self.passphrase, self.measuring, self.switching_to) = (None, false, None);
    }

    pub(crate) fn fail(&mut self, problem: Problem) {
        if let Some(step) = self.steps.iter_mut().rev().find(|step| step.state != StepState::Done) {
            step.state = StepState::Failed;
        }
        self.problem = Some(problem);
        self.end(Phase::Failed);
    }

    fn put(&mut self, step: Step) {
        match self.steps.iter_mut().find(|known| known.name == step.name) {
            Some(known) => *known = step,
            None => self.steps.push(step),
        }
    }
}

impl ModeView {
    fn follow(&mut self, tier: Option<Tier>, prices: Option<&PriceList>) {
        self.tier = tier.map(|tier| Tier { precision: self.precision_class, ..tier });
        self.predicted_earnings_per_hour = prices.and_then(|prices| self.earnings_per_hour(prices));
    }

    fn earnings_per_hour(&self, prices: &PriceList) -> Option<Amount> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate, positive and far below 2⁶⁴"
        )]
        let thousandths = (self.predicted_requests_per_hour? * 1e3) as u64;
        let RequestShape { prompt_tokens, completion_tokens } = TYPICAL_REQUEST;
        let request = prices.of(self.precision_class).of_usage(Usage { prompt_tokens, completion_tokens });
        Some(request.scaled(thousandths, 1000))
    }

    /// The rate of what was served, rescaled to typical requests.
    fn measured(&self) -> Option<f64> {
        let (prompt_tokens, completion_tokens) = self.work.average_tokens()?;
        let served_with = RequestShape { prompt_tokens, completion_tokens };
        rescaled(&self.benchmark?, self.work.requests_per_hour()?, served_with, TYPICAL_REQUEST)
    }
}

fn tests_in_words(testing: Option<(u32, u32)>) -> (Option<f32>, String) {
    let Some((done, total)) = testing else { return (None, "waiting for the network to test".to_owned()) };
    #[expect(clippy::cast_precision_loss, reason = "a handful of tests")]
    let progress = done as f32 / total.max(1) as f32;
    (Some(progress), format!("{done} of {total} tests"))
}

fn joined(connection: &Connection) -> String {
    match connection {
        Connection::Connected { router, network } => format!("registered with {router} on the {network} network"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use cortensor_node::Work;
    use cortensor_protocol::{Capability, Mode, ModelId, Precision, PrecisionClass, Price};

    use super::*;

    #[test]
    fn an_hour_of_typical_requests_pays_what_the_network_s_prices_say() {
        let prices = PriceList {
            full: Price { prompt: Amount::from_credits(2), completion: Amount::from_credits(6) },
            quantized: Price { prompt: Amount::from_credits(1), completion: Amount::from_credits(3) },
        };
        let measured = |precision: Precision, rate| ModeView {
            mode: Mode::Volume,
            model: ModelId::new("m"),
            precision,
            precision_class: precision.class(),
            tier: None,
            predicted_earnings_per_hour: None,
            benchmark: None,
            predicted_requests_per_hour: rate,
            measured_requests_per_hour: None,
            work: Work::default(),
            loss: None,
        };
        for (precision, rate, earned) in [
            (Precision::F16, Some(100.0), Some("128.00")),
            (Precision::Q8_0, Some(100.0), Some("64.00")),
            (Precision::Q8_0, None, None),
        ] {
            let mut view = measured(precision, rate);
            view.follow(Some(Tier { capability: Capability::LowEnd, precision: PrecisionClass::Full }), Some(&prices));
            assert_eq!(view.predicted_earnings_per_hour.map(|amount| amount.to_string()).as_deref(), earned);
            assert_eq!(view.tier.unwrap().precision, precision.class());
        }
    }

    #[test]
    fn progress_that_arrives_late_does_not_begin_a_step_again() {
        let mut status = Status::default();
        status.step(StepName::Load, Some(0.0), "loading");
        status.progress(StepName::Load, 0.5);
        assert_eq!(status.steps[0].state, StepState::Running { progress: Some(0.5) });
        status.done(StepName::Load, "loaded");
        status.step(StepName::Test, None, "testing");
        status.progress(StepName::Load, 1.0);
        let shown: Vec<_> = status.steps.iter().map(|step| (step.state, step.detail.as_str())).collect();
        assert_eq!(shown, [(StepState::Done, "loaded"), (StepState::Running { progress: None }, "testing")]);
    }
}
