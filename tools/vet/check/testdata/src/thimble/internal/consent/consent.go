package consent

type Event struct{ V int }
