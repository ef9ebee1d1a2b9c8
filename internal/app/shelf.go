package app

import (
	"context"
	"fmt"
	"os"

	"thimble"
	"thimble/internal/recommend/arrange"
)

// listRules reads the shop's rules for lists. They are read once: whoever changes them
// starts anew, and the lists name the version that they were arranged by.
func listRules(file string) (func(context.Context) (arrange.Rules, error), error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("configuration: list-rules: %w: %w", err, thimble.ErrInvalid)
	}
	rules, err := arrange.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("configuration: list-rules: %s: %w", file, err)
	}
	return func(context.Context) (arrange.Rules, error) { return rules, nil }, nil
}
