//! Health: what the box measures about itself, as one document for the hub.
