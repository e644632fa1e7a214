//! What a machine was told and what it answered: recorded, shown, and replayed.
