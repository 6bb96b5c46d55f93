//! Against a real MQTT peer over mutual TLS.
