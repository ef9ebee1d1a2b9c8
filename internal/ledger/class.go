package ledger

import "strconv"

// A Class says what kind of thing a leaf records. The values are wire format:
// they are never renumbered and never given twice.
type Class uint8

// The classes.
const (
	Consent    Class = 1  // a choice: given, refused, withdrawn, objected
	Access     Class = 2  // a person of the staff read personal data
	Disclosure Class = 3  // data went to a recipient
	Erasure    Class = 4  // data was destroyed
	Model      Class = 5  // a model was trained, released, withdrawn or made to forget
	Decision   Class = 6  // a machine decided
	UseBatch   Class = 7  // the counts of a batch of machine reads
	Key        Class = 8  // a key was made, rotated or destroyed
	System     Class = 9  // the installation: start, restore, configuration, packs
	Request    Class = 10 // a rights request was received, extended or answered
	Identity   Class = 11 // two accounts were found to be one person, or no longer
	Batch      Class = 12 // many decisions, each a leaf of a tree of their own
	Plan       Class = 14 // what may be collected was changed
	Taste      Class = 15 // what a person says about the lists that are made for them
)

var classNames = [...]string{
	Consent: "consent", Access: "access", Disclosure: "disclosure", Erasure: "erasure",
	Model: "model", Decision: "decision", UseBatch: "use-batch", Key: "key",
	System: "system", Request: "request", Identity: "identity", Batch: "batch",
	Plan: "plan", Taste: "taste",
}

// Known reports whether this version of Thimble writes the class.
func (c Class) Known() bool { return int(c) < len(classNames) && classNames[c] != "" }

// Classes returns all classes that this version of Thimble writes. Numbers may lack.
func Classes() (all []Class) {
	for c := range Class(len(classNames)) {
		if c.Known() {
			all = append(all, c)
		}
	}
	return all
}

// String returns the class's word, or "class-17" for one from a newer version.
func (c Class) String() string {
	if c.Known() {
		return classNames[c]
	}
	return "class-" + strconv.Itoa(int(c))
}
