"""The one program under range test, sweep and tune."""
