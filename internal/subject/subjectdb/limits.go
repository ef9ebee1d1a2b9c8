package subjectdb

import "thimble/internal/subject"

// Limits bound how much is one person. What exceeds them is a mistake more often
// than a person: a till's own number, a shop assistant's address. The zero value has
// the defaults.
type Limits struct {
	// Subject is how many identifiers of a kind one subject may have. The default is
	// 1 account, 5 e-mails, 5 phones, 20 devices.
	Subject map[subject.Kind]int
	// Person is how many the subjects of one person may have together. The default is
	// 5 accounts, 10 e-mails, 10 phones, 40 devices.
	Person map[subject.Kind]int
	// Members is how many subjects one person may have; 0 means 20.
	Members int
}

var (
	subjectLimits = map[subject.Kind]int{subject.Account: 1, subject.Email: 5, subject.Phone: 5, subject.Device: 20}
	personLimits  = map[subject.Kind]int{subject.Account: 5, subject.Email: 10, subject.Phone: 10, subject.Device: 40}
)

func (l Limits) subject(k subject.Kind) int {
	if n, ok := l.Subject[k]; ok {
		return n
	}
	return subjectLimits[k]
}

func (l Limits) person(k subject.Kind) int {
	if n, ok := l.Person[k]; ok {
		return n
	}
	return personLimits[k]
}

func (l Limits) members() int {
	if l.Members > 0 {
		return l.Members
	}
	return 20
}
