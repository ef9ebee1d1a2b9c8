package subject_test

import (
	"fmt"

	"thimble/internal/subject"
)

func ExampleNewIdentifier() {
	id, err := subject.NewIdentifier(subject.Phone, "+44 (20) 7946-0018")
	fmt.Println(id.Value, err)           // a personal value prints as a mark
	fmt.Println(id.Value.Reveal() != "") // whoever reveals it says why

	_, err = subject.NewIdentifier(subject.Phone, "020 7946 0018")
	fmt.Println(err)
	// Output:
	// [personal] <nil>
	// true
	// subject: an identifier of kind "phone": a country code such as +44 was expected: invalid
}
