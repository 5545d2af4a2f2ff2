//! Mails, sent to a real SMTP server.

mod delivery;
mod links;
mod outbox;
mod protection;
mod relay;
mod sign_up;
