package retention

import (
	"fmt"
	"time"

	"thimble"
)

// RunPrefix is the prefix of a run's id in text.
const RunPrefix = "run"

// A State is where a run stands.
type State string

// The states of a run.
const (
	Waiting   State = "waiting"   // for a person: it reaches further than time has passed
	Confirmed State = "confirmed" // by one, and not begun
	Listed    State = "listed"    // what is to expire is counted and committed to; it is under way
	Done      State = "done"      // and nothing is left that is older
	Red       State = "red"       // something is left that is older
)

// A Run is one day's expiry of one category.
type Run struct {
	ID       thimble.ID
	Category thimble.Category
	Clock    Clock     // what the period is counted from
	Rule     string    // which rule of a clock of people it is of ([Rule.Key]); "" of collection
	Before   time.Time // what is older is to be gone
	State    State
	Proof    Proof
	Why      string // it waits, or is red
	By       string // who confirmed it; "" for nobody was asked
	At, Done time.Time
}

// A Proof is what a run says: counts and hashes, nothing personal.
type Proof struct {
	Run      string           `json:"run"`
	Category thimble.Category `json:"category"`
	// After is what the period is counted from, if not from collection: whoever was there
	// last, or what no purpose needs any more, since before Before.
	After  Clock     `json:"after,omitempty"`
	Before time.Time `json:"before"`
	Source Source    `json:"source"`
	// Listed are how many entries were older when the run began, by table.
	Listed []Count `json:"listed"`
	// Root commits to who and what they were: the root of a Merkle tree (RFC 6962) over
	// keyed hashes of the rows' keys, in the order of tables and keys. Without the key, a
	// secret of the installation, it says nothing.
	Root string `json:"root"`
	// Request is the desk's, whose report has what each holder destroyed.
	Request string  `json:"request,omitempty"`
	Expired []Count `json:"expired"` // by holder
	Kept    []Kept  `json:"kept,omitempty"`
	// Left are how many are still older that no law keeps; 0 but in a run that is red.
	Left []Count `json:"left,omitempty"`
	By   string  `json:"confirmed_by,omitempty"`
	// Resumed says that the run was interrupted: what had expired before is not in the
	// counts by holder.
	Resumed bool `json:"resumed,omitempty"`
	// Ended says that its rule was none any more when it went on: nothing was looked for.
	Ended bool `json:"rule_ended,omitempty"`
}

// A Count is a number of entries of a table or holder.
type Count struct {
	Of string `json:"of"`
	N  int64  `json:"n"`
}

// A Kept is what stays and is older, with the law.
type Kept struct {
	Holder string `json:"holder"`
	What   string `json:"what"`
	Law    string `json:"law"`
	N      int64  `json:"n"`
}

// Sum adds counts up.
func Sum(all []Count) (n int64) {
	for _, c := range all {
		n += c.N
	}
	return n
}

// leap is how much further than the last run one may reach by itself. Whoever serves
// reaches a day further each day; a clock that jumped, a schedule that was shortened, or a
// first run reaches further than that.
const leap = 8 * 24 * time.Hour

// Asks says why a run must wait for a person, or "". The last is what the newest run of
// the category that is done reached to; zero for none.
func Asks(before, last time.Time, planned int64) string {
	switch {
	case planned == 0:
		return ""
	case last.IsZero():
		return "it is the first of this category"
	case before.Sub(last) > leap:
		return fmt.Sprintf("it reaches %d days further than the last", int(before.Sub(last).Hours()/24))
	}
	return ""
}

// Blocked returns a part of the category that is to be kept longer than the whole, which
// expires with all its parts: such a schedule is not executed. "" for none.
func Blocked(s Schedule, all []Schedule, now time.Time) thimble.Category {
	for _, o := range all {
		if o.Category != s.Category && o.Category.Within(s.Category) && (o.Ends == nil || o.Before(now).Before(s.Before(now))) {
			return o.Category
		}
	}
	return ""
}
