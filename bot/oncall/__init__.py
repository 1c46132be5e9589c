"""On call: alerts and events become incidents, each with a diagnosis and one thread.

A receiver (`alertmanager`, `pagerduty`) reads what a sender posts into a `Delivery`, which is put into the store
before the sender is told that it was taken. A `Responder` works on deliveries, one at a time an incident, and puts
down what is to be said; a `Desk` has it said in the places that are to be told (`sinks`).
"""
