//! Outbox: what this box has to tell the hub, kept on disk until the hub has it.
