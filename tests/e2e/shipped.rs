//! What is shipped: the module's exports, and what lies in `envoy/`.
