//! The router over real sockets, with nodes that do as they are told.

mod allocation;
mod audits;
mod chat;
mod connections;
mod disk;
mod faults;
mod judgements;
mod levels;
mod limits;
mod money;
mod network;
mod openapi;
mod operator;
mod requests;
mod rounds;
mod sessions;
mod support;
mod withdrawals;
