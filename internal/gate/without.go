package gate

import "thimble"

// A Without says what a capability does for somebody who does not permit a
// purpose. Each capability that opens the gate for a purpose that needs consent
// declares it, so that a refusal is an answer and people can read what it costs
// them.
type Without struct {
	Capability string // the package's word, such as "recommend"
	Purpose    thimble.Purpose
	Does       string // one sentence, in words for customers
}
