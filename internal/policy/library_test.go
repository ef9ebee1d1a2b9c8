package policy

import "testing"

func library(t testing.TB) *Library {
	t.Helper()
	l, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEveryPackPassesItsOwnExamples(t *testing.T) {
	l := library(t)
	for _, listed := range l.List() {
		t.Run(listed.Ref, func(t *testing.T) {
			id, _, _ := cutRef(listed.Ref)
			p, err := l.Pack(id)
			if err != nil {
				t.Fatal(err)
			}
			ran, failed := p.Test()
			if ran == 0 && p.Status != Proposed {
				t.Error("the pack brings no example")
			}
			for _, f := range failed {
				t.Error(f)
			}
		})
	}
}
