"""What results say together: pure functions that read results and change no score."""
