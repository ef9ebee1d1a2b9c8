package decision

// A Standing says whether a decision still counts.
type Standing string

// The standings.
const (
	Stands     Standing = "stands"
	Overturned Standing = "overturned" // a person reviewed it, and it was wrong
	Superseded Standing = "superseded" // a person reviewed it, and had it made anew
)
