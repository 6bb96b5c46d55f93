//! Live: one outbound push of one stream while somebody may watch it.
