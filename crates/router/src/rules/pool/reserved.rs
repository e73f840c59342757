//! Nodes that are set aside for a session: first for its tasks, last for everybody else's.
//!
//! A session that asks for it keeps the nodes that serve it, so that they need not be found again. Nobody is refused because of
//! it: where no other node could do it, one that is set aside for another session does.

use std::{collections::HashMap, time::Duration};

use cortensor_protocol::{Millis, NodeAddress};

use crate::rules::session::SessionId;

/// A session that keeps the nodes that serve it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reserve {
    pub(crate) session: SessionId,
    /// Most nodes at a time.
    pub(crate) most: u32,
    /// From the last task of the session on.
    pub(crate) period: Duration,
}

/// Who has a node to itself, as someone sees it who looks for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keeper {
    /// Nobody.
    #[default]
    Nobody,
    /// The session that looks for one.
    Asker,
    /// Another session.
    Another,
}

/// Which node is set aside for which session.
#[derive(Default)]
pub(super) struct Reservations(HashMap<NodeAddress, Reservation>);

struct Reservation {
    session: SessionId,
    until: Millis,
}

impl Reservations {
    /// Who has the node, seen by whoever asks.
    pub(super) fn keeper(&self, node: NodeAddress, asker: Option<Reserve>, at: Millis) -> Keeper {
        match self.0.get(&node).filter(|reservation| at < reservation.until) {
            None => Keeper::Nobody,
            Some(kept) if asker.is_some_and(|asker| asker.session == kept.session) => Keeper::Asker,
            Some(_) => Keeper::Another,
        }
    }

    /// Sets the node aside, or for longer: not another session's, no more than a session may have, and no more than half
    /// of the `connected` nodes in all, so that there is always somebody for the others.
    pub(super) fn keep(&mut self, node: NodeAddress, reserve: Reserve, connected: usize, at: Millis) {
        self.0.retain(|_, reservation| at < reservation.until);
        let until = at + reserve.period;
        if let Some(kept) = self.0.get_mut(&node) {
            if kept.session == reserve.session {
                kept.until = until;
            }
            return;
        }
        let of_session = self.0.values().filter(|reservation| reservation.session == reserve.session).count();
        let has_room = u32::try_from(of_session).is_ok_and(|count| count < reserve.most);
        if has_room && (self.0.len() + 1) * 2 <= connected {
            self.0.insert(node, Reservation { session: reserve.session, until });
        }
    }

    /// Frees what a session has.
    pub(super) fn release(&mut self, session: SessionId) {
        self.0.retain(|_, reservation| reservation.session != session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn node(number: u8) -> NodeAddress {
        NodeAddress::repeat_byte(number)
    }

    fn reserve(session: i64, most: u32) -> Reserve {
        Reserve { session: SessionId(session), most, period: MINUTE }
    }

    #[test]
    fn a_node_is_kept_for_one_session_until_its_period_is_over() {
        let (mut reservations, start) = (Reservations::default(), Millis(0));
        reservations.keep(node(1), reserve(1, 3), 8, start);
        reservations.keep(node(1), reserve(2, 3), 8, start);
        let keeper = |reservations: &Reservations, session, at| reservations.keeper(node(1), session, at);
        for (asker, at, expected) in [
            (Some(reserve(1, 3)), start, Keeper::Asker),
            (Some(reserve(2, 3)), start, Keeper::Another),
            (None, start, Keeper::Another),
            (None, start + MINUTE, Keeper::Nobody),
        ] {
            assert_eq!(keeper(&reservations, asker, at), expected, "{asker:?} {at:?}");
        }
        reservations.keep(node(1), reserve(1, 3), 8, Millis(30_000));
        assert_eq!(keeper(&reservations, None, start + MINUTE), Keeper::Another, "a later task keeps it for longer");
        reservations.release(SessionId(1));
        assert_eq!(keeper(&reservations, None, start), Keeper::Nobody);
    }

    #[test]
    fn a_session_keeps_no_more_than_it_may_and_all_of_them_no_more_than_half() {
        for (most, connected, kept) in [(2, 8, 2), (5, 8, 4), (5, 7, 3), (5, 1, 0), (0, 8, 0)] {
            let mut reservations = Reservations::default();
            (0..8).for_each(|number| reservations.keep(node(number), reserve(1, most), connected, Millis(0)));
            let nodes = (0..8).filter(|number| {
                reservations.keeper(node(*number), Some(reserve(1, most)), Millis(0)) == Keeper::Asker
            });
            assert_eq!(nodes.count(), kept, "{most} of {connected}");
        }
    }
}
