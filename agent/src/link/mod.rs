//! Link: the MQTT connection between this box and the hub.
