package order

import (
	"context"

	"thimble"
)

type Order struct{ Number string }

type Sealed struct {
	Subject thimble.SubjectID
	Body    []byte
}

func Open(ctx context.Context, by thimble.Grant, s Sealed) (Order, error) {
	body, err := by.Open(ctx, thimble.Cell{Owner: s.Subject}, s.Body)
	return Order{string(body)}, err
}
