//! The router over real sockets, with nodes that do as they are told.

mod allocation;
mod chat;
mod connections;
mod disk;
mod faults;
mod money;
mod network;
mod openapi;
mod requests;
mod sessions;
mod support;
