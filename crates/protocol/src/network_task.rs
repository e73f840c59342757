//! The life of a network task, as on the network: request, create, prepare, start, precommit, commit, end.
//!
//! A network task is one round in which several miners answer the same input. One owner (the router) holds a
//! [`NetworkTask`] and feeds it events. A state is named for the event it waits for, and every state but the last has a
//! deadline that does not depend on when the owner looks: a round is over by [`NetworkTask::ends_at`], whoever is
//! silent. A participant that misses a deadline is out of the round; the round goes on with the rest.
//!
//! Nobody's commit is taken before every other participant has bound itself to its answer or missed the time for it, so
//! there is no answer to copy while one can still be chosen.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::participant::{Participant, ParticipantProgress, ParticipantStep};
use crate::{Millis, NodeAddress};

mod participant;

/// How long each state may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkTaskDeadlines {
    /// From the wish for a round to the draw of its participants.
    pub request: Duration,
    /// From the draw to the input.
    pub create: Duration,
    /// From the input to the last participant that is ready to answer.
    pub prepare: Duration,
    /// From then to handing out the input.
    pub start: Duration,
    /// From the input to the last precommit.
    pub precommit: Duration,
    /// From the last precommit to the last commit.
    pub commit: Duration,
}

impl Default for NetworkTaskDeadlines {
    /// Like a user's task where there is the like: 90 s to the precommit, 10 s from there to the commit. Preparing may
    /// mean loading a model.
    fn default() -> Self {
        Self {
            request: Duration::from_secs(30),
            create: Duration::from_secs(30),
            prepare: Duration::from_secs(60),
            start: Duration::from_secs(10),
            precommit: Duration::from_secs(90),
            commit: Duration::from_secs(10),
        }
    }
}

impl NetworkTaskDeadlines {
    /// Of the whole round.
    fn total(&self) -> Duration {
        [self.request, self.create, self.prepare, self.start, self.precommit, self.commit]
            .into_iter()
            .fold(Duration::ZERO, Duration::saturating_add)
    }

    fn of(&self, state: NetworkTaskState) -> Duration {
        match state {
            NetworkTaskState::Request => self.request,
            NetworkTaskState::Create => self.create,
            NetworkTaskState::Prepare => self.prepare,
            NetworkTaskState::Start => self.start,
            NetworkTaskState::Precommit => self.precommit,
            NetworkTaskState::Commit => self.commit,
            NetworkTaskState::End(_) => Duration::ZERO,
        }
    }
}

/// Where a round stands: what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkTaskState {
    /// The draw of its participants.
    Request,
    /// The input that they are to answer.
    Create,
    /// Participants that are ready.
    Prepare,
    /// The owner, to hand out the input to all of them at once.
    Start,
    /// Precommits.
    Precommit,
    /// Commits.
    Commit,
    /// Nothing: it is over.
    End(NetworkTaskEnd),
}

impl NetworkTaskState {
    /// What participants are to do now.
    pub const fn step(self) -> Option<ParticipantStep> {
        match self {
            Self::Prepare => Some(ParticipantStep::Prepare),
            Self::Precommit => Some(ParticipantStep::Precommit),
            Self::Commit => Some(ParticipantStep::Commit),
            Self::Request | Self::Create | Self::Start | Self::End(_) => None,
        }
    }
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkTaskEnd {
    /// Every participant has committed or missed a deadline.
    Complete,
    /// The owner gave it up or missed a deadline of its own, which says nothing about the participants.
    Abandoned,
}

/// What happens to a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkTaskEvent {
    /// The owner drew these participants.
    Request(Vec<NodeAddress>),
    /// The owner has made the input.
    Create,
    /// The node is ready to answer.
    Prepare(NodeAddress),
    /// The owner hands out the input.
    Start,
    /// The node sent its precommit with this hash.
    Precommit(NodeAddress, String),
    /// The node sent its answer, which, made by this node, hashes to this.
    Commit(NodeAddress, String),
    /// The owner gives the round up.
    Abandon,
    /// Nothing happened but the time.
    Tick,
}

impl NetworkTaskEvent {
    const fn sender(&self) -> Option<NodeAddress> {
        match self {
            Self::Prepare(node) | Self::Precommit(node, _) | Self::Commit(node, _) => Some(*node),
            Self::Request(_) | Self::Create | Self::Start | Self::Abandon | Self::Tick => None,
        }
    }
}

/// Why an event was refused. The round is as before but for the count of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkTaskRefused {
    /// The round is over.
    #[error("the round is over")]
    Ended,
    /// A round needs someone.
    #[error("a round needs at least one participant")]
    NoParticipants,
    /// One node cannot take part twice.
    #[error("a node was drawn twice for one round")]
    DrawnTwice,
    /// The node was not drawn.
    #[error("the node does not take part in this round")]
    NotDrawn,
    /// Not what comes next.
    #[error("that is not what comes next in this round")]
    OutOfOrder,
    /// The round is not that far: for a commit, because precommits of others are still awaited.
    #[error("the round is not that far yet; wait for the others")]
    Early,
    /// The participant is out of the round.
    #[error("the deadline for it has passed and the node is out of this round")]
    Late,
    /// The participant did that already.
    #[error("the node has already sent that; it counts once")]
    Replayed,
    /// A commit without a precommit.
    #[error("there is no precommit that binds the answer; send that first")]
    Unbound,
    /// Hashes bind the node's address, so two nodes never have the same one of their own.
    #[error("another node has bound itself with this hash; it cannot bind the answer of this one")]
    Copied,
    /// The answer is not the one that was bound.
    #[error("the answer is not the one that the precommit binds")]
    HashMismatch,
}

/// One round and its deadlines.
#[derive(Clone, Debug)]
pub struct NetworkTask {
    state: NetworkTaskState,
    deadlines: NetworkTaskDeadlines,
    ends_at: Millis,
    state_until: Millis,
    participants: BTreeMap<NodeAddress, Participant>,
    /// One number for all of them: what strangers send must not take memory.
    refused_strangers: u32,
}

impl NetworkTask {
    /// A round that is wished for at `now`.
    pub fn new(deadlines: NetworkTaskDeadlines, now: Millis) -> Self {
        let state = NetworkTaskState::Request;
        let (ends_at, state_until) = (now + deadlines.total(), now + deadlines.of(state));
        Self { state, deadlines, ends_at, state_until, participants: BTreeMap::new(), refused_strangers: 0 }
    }

    /// Where it stands.
    pub const fn state(&self) -> NetworkTaskState {
        self.state
    }

    /// Who takes part, and how far each is. Nobody before the draw.
    pub fn participants(&self) -> impl Iterator<Item = (NodeAddress, &Participant)> {
        self.participants.iter().map(|(node, participant)| (*node, participant))
    }

    /// How far one of them is.
    pub fn participant(&self, node: NodeAddress) -> Option<&Participant> {
        self.participants.get(&node)
    }

    /// Messages that were refused because their sender does not take part.
    pub const fn refused_strangers(&self) -> u32 {
        self.refused_strangers
    }

    /// When the round is over at the latest.
    pub const fn ends_at(&self) -> Millis {
        self.ends_at
    }

    /// When [`NetworkTaskEvent::Tick`] is next worth sending; `None` when the round is over.
    pub fn wake_at(&self) -> Option<Millis> {
        (!self.is_over()).then_some(self.state_until)
    }

    /// Feeds one event. Deadlines that `now` has passed are seen to first, so a late message meets the state it missed.
    pub fn apply(&mut self, event: NetworkTaskEvent, now: Millis) -> Result<NetworkTaskState, NetworkTaskRefused> {
        self.expire(now);
        let sender = event.sender();
        let accepted = self.accept(event, now);
        match (accepted, sender) {
            (Ok(()), _) => self.go_on(now),
            (Err(reason), Some(node)) => self.count(node, reason),
            (Err(_), None) => {}
        }
        accepted.map(|()| self.state)
    }

    fn accept(&mut self, event: NetworkTaskEvent, now: Millis) -> Result<(), NetworkTaskRefused> {
        match event {
            NetworkTaskEvent::Tick => return Ok(()),
            NetworkTaskEvent::Prepare(node) => return self.due(node, ParticipantStep::Prepare)?.prepare(),
            NetworkTaskEvent::Precommit(node, hash) => return self.precommit(node, hash),
            NetworkTaskEvent::Commit(node, hash) => return self.due(node, ParticipantStep::Commit)?.commit(&hash),
            _ => {}
        }
        let next = by_owner(self.state, &event)?;
        if let NetworkTaskEvent::Request(nodes) = event {
            self.participants = drawn(nodes)?;
        }
        self.enter(next, now);
        Ok(())
    }

    fn precommit(&mut self, node: NodeAddress, hash: String) -> Result<(), NetworkTaskRefused> {
        let copied = self.participants().any(|(other, is)| other != node && is.precommit() == Some(&hash));
        let participant = self.due(node, ParticipantStep::Precommit)?;
        if copied {
            return Err(NetworkTaskRefused::Copied);
        }
        participant.bind(hash)
    }

    /// The participant, if it and the round are both at this step.
    fn due(&mut self, node: NodeAddress, step: ParticipantStep) -> Result<&mut Participant, NetworkTaskRefused> {
        let participant = self.participants.get_mut(&node).ok_or(NetworkTaskRefused::NotDrawn)?;
        if self.state == NetworkTaskState::End(NetworkTaskEnd::Abandoned) {
            return Err(NetworkTaskRefused::Ended);
        }
        participant.check(step)?;
        // What is past was seen to by the deadlines: the round can only be behind its participant.
        if self.state.step() == Some(step) { Ok(participant) } else { Err(NetworkTaskRefused::Early) }
    }

    fn count(&mut self, node: NodeAddress, reason: NetworkTaskRefused) {
        match self.participants.get_mut(&node) {
            Some(participant) => participant.refuse(reason),
            None => self.refused_strangers = self.refused_strangers.saturating_add(1),
        }
    }

    fn enter(&mut self, state: NetworkTaskState, at: Millis) {
        self.state = state;
        self.state_until = at + self.deadlines.of(state);
    }

    /// Leaves a state in which no participant has anything left to do.
    fn go_on(&mut self, at: Millis) {
        let Some(step) = self.state.step() else { return };
        if self.awaits(step) {
            return;
        }
        let next = match step {
            ParticipantStep::Prepare if self.awaits(ParticipantStep::Precommit) => NetworkTaskState::Start,
            ParticipantStep::Precommit if self.awaits(ParticipantStep::Commit) => NetworkTaskState::Commit,
            _ => NetworkTaskState::End(NetworkTaskEnd::Complete),
        };
        self.enter(next, at);
    }

    fn awaits(&self, step: ParticipantStep) -> bool {
        self.participants.values().any(|participant| participant.progress().next() == Some(step))
    }

    fn is_over(&self) -> bool {
        matches!(self.state, NetworkTaskState::End(_))
    }

    /// A state that time ends began the next one at its deadline, not when somebody looked: else a round whose owner
    /// looks late would last longer than its deadlines say.
    fn expire(&mut self, now: Millis) {
        while !self.is_over() && now >= self.state_until {
            let at = self.state_until;
            match self.state.step() {
                Some(step) => {
                    self.participants.values_mut().for_each(|participant| participant.miss(step));
                    self.go_on(at);
                }
                None => self.enter(NetworkTaskState::End(NetworkTaskEnd::Abandoned), at),
            }
        }
    }
}

fn by_owner(state: NetworkTaskState, event: &NetworkTaskEvent) -> Result<NetworkTaskState, NetworkTaskRefused> {
    match (state, event) {
        (NetworkTaskState::End(_), _) => Err(NetworkTaskRefused::Ended),
        (_, NetworkTaskEvent::Abandon) => Ok(NetworkTaskState::End(NetworkTaskEnd::Abandoned)),
        (NetworkTaskState::Request, NetworkTaskEvent::Request(_)) => Ok(NetworkTaskState::Create),
        (NetworkTaskState::Create, NetworkTaskEvent::Create) => Ok(NetworkTaskState::Prepare),
        (NetworkTaskState::Start, NetworkTaskEvent::Start) => Ok(NetworkTaskState::Precommit),
        _ => Err(NetworkTaskRefused::OutOfOrder),
    }
}

fn drawn(nodes: Vec<NodeAddress>) -> Result<BTreeMap<NodeAddress, Participant>, NetworkTaskRefused> {
    if nodes.is_empty() {
        return Err(NetworkTaskRefused::NoParticipants);
    }
    let count = nodes.len();
    let participants = nodes.into_iter().map(|node| (node, Participant::default())).collect::<BTreeMap<_, _>>();
    if participants.len() == count { Ok(participants) } else { Err(NetworkTaskRefused::DrawnTwice) }
}

#[cfg(test)]
mod tests;
