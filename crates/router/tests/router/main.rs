//! The router over real sockets, with nodes that do as they are told.

mod chat;
mod connections;
mod disk;
mod faults;
mod money;
mod network;
mod requests;
mod rounds;
mod support;
