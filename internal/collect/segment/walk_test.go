package segment

import (
	"slices"
	"testing"

	"thimble/internal/collect/plan"
)

func TestTheShapeOfAnEventIsToldWithoutItsValues(t *testing.T) {
	b := read(t, NewReader(compiled(t)), Batch, `{"batch":[{"type":"track","event":"Order Completed","userId":"u","properties":{
		"order_id":"o-77","total":"12.50","products":[{"sku":"x","price":3},{"name":"second"}],"lining":"silk","discount":{"a":1}}}]}`)
	var got []string
	b.Walk(&b.Events[0], func(f *plan.Field, s Shape) { got = append(got, f.Path+" "+s.String()) })
	slices.Sort(got)
	want := []string{"order_id string", "products array", "products[].price number", "products[].sku string", "total string"}
	if !slices.Equal(got, want) {
		t.Errorf("the event is told as %v, want %v", got, want)
	}
}

func TestAnUnknownPropertyIsToldWithTheObjectItIsIn(t *testing.T) {
	b := read(t, NewReader(compiled(t)), Batch, `{"context":{"campaign":{"weather":1}},"batch":[{"type":"track","event":"Order Completed","userId":"u","properties":{"lining":1,"products":[{"button":"x"}]}}]}`)
	got := map[string]string{}
	for _, u := range b.Unknown {
		name := "context"
		if u.Message != nil {
			name = u.Message.Name
		}
		got[string(b.Bytes(u.Name))] = name + " " + u.Within
	}
	if got["lining"] != "Order Completed " || got["button"] != "Order Completed products[]." || got["weather"] != "context campaign." {
		t.Errorf("unknown: %v", got)
	}
}

func TestATimeThatCannotBeReadIsToldOfItsOwnEvent(t *testing.T) {
	b := read(t, NewReader(compiled(t)), Batch, `{"batch":[
		{"type":"track","event":"Order Completed","userId":"u","properties":{"order_id":"o","products":[]}},
		{"timestamp":"yesterday","type":"page","userId":"u"}]}`)
	if len(b.Violations) != 1 || b.Violations[0].Index != 1 || b.Violations[0].Message != nil {
		t.Errorf("told of %+v, want the second event's time, of no message", b.Violations)
	}
}
