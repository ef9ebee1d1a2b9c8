package decision

type Record struct{ V int }
