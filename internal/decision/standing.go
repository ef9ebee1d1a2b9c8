package decision

// A Standing says whether a decision still counts.
type Standing string

// The standings.
const (
	Stands     Standing = "stands"
	Overturned Standing = "overturned" // a person reviewed it, and it was wrong
	Superseded Standing = "superseded" // it was made anew, after a review or because what went into it was wrong
)
