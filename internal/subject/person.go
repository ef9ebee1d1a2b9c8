package subject

import (
	"time"

	"thimble"
)

// A Person is everybody that links make one: the canonical subject first, then the
// others in order of their ids. Most people have one subject.
type Person struct {
	Members    []Member
	Restricted bool // one of them is
}

// A Member is one subject of a person.
type Member struct {
	ID    thimble.SubjectID
	Epoch int64
	// Joined is since when it is of one person with the canonical subject; zero for
	// that itself.
	Joined time.Time
	// Stopped says that a request stopped the use of this one's data, and no clock did.
	Stopped bool
}

// Since returns since when two members are of one person; zero when no link says it.
func (m Member) Since(other Member) time.Time {
	switch {
	case m.Joined.Equal(other.Joined): // they came together
		return time.Time{}
	case m.Joined.After(other.Joined):
		return m.Joined
	}
	return other.Joined
}

// ID returns the canonical subject, the zero id for nobody.
func (p Person) ID() thimble.SubjectID {
	if len(p.Members) == 0 {
		return thimble.SubjectID{}
	}
	return p.Members[0].ID
}

// Epoch returns the canonical subject's epoch.
func (p Person) Epoch() int64 {
	if len(p.Members) == 0 {
		return 0
	}
	return p.Members[0].Epoch
}

// IDs returns the subjects in order.
func (p Person) IDs() []thimble.SubjectID {
	ids := make([]thimble.SubjectID, len(p.Members))
	for i, m := range p.Members {
		ids[i] = m.ID
	}
	return ids
}

// Same reports whether two answers about a person are alike: the same members with
// the same epochs.
func (p Person) Same(other Person) bool {
	if len(p.Members) != len(other.Members) {
		return false
	}
	for i, m := range p.Members {
		if o := other.Members[i]; m.ID != o.ID || m.Epoch != o.Epoch {
			return false
		}
	}
	return true
}
