"""The road here from other schedulers: reading what they hold, planning the move, walking it, and walking back."""
