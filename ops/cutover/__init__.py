"""The evening of the cutover: a state machine that is stored, its gates, the fence, the drain, the switch."""
