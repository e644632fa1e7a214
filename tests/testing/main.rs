//! The testing kit: what it says of itself, and what an application's tests look like with it.
#![cfg(feature = "testing")]

mod application;
mod faulty;
mod faulty_client;
mod faulty_times;
mod outage;
mod peer;
mod played;
mod server;
mod support;
#[cfg(feature = "tungstenite")]
mod tcp;
mod time;
