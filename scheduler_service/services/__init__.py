"""What a person may ask for. Used by the API, the console and the command line alike."""
