package orderweb

import (
	"context"
	"fmt"

	"thimble"
	"thimble/internal/catalog"
	"thimble/internal/order"
	"thimble/internal/order/orderdb"
	"thimble/internal/subject/subjectweb"
	"thimble/internal/web"
)

// ConsoleOrders are people's orders, sealed: orderdb keeps them.
type ConsoleOrders interface {
	Of(ctx context.Context, subject thimble.SubjectID, limit int) ([]order.Sealed, error)
}

// ConsoleProducts knows the items' names: catalogdb does.
type ConsoleProducts interface {
	Get(ctx context.Context, ids ...thimble.ItemID) (map[thimble.ItemID]catalog.Product, error)
}

// ConsoleTotals counts orders without opening any.
type ConsoleTotals interface {
	Totals(ctx context.Context) (orderdb.Totals, error)
}

// ConsoleTiles counts the orders for the overview.
func ConsoleTiles(orders ConsoleTotals) func(context.Context) ([]web.Stat, error) {
	return func(ctx context.Context) ([]web.Stat, error) {
		t, err := orders.Totals(ctx)
		s := web.Stat{Label: "Orders", Value: t.Orders, Note: "none yet: import them first"}
		if t.Orders > 0 {
			s.Note = fmt.Sprintf("%s to %s, %s of guests", web.Date(t.First), web.Date(t.Last), web.Text(t.Guests))
		}
		return []web.Stat{s}, err
	}
}

const (
	consolePanelOrders = 20
	consoleOpenLines   = 12 // a longer order stays folded
)

// CustomerPanel shows a customer's newest orders with their lines.
func CustomerPanel(orders ConsoleOrders, products ConsoleProducts) subjectweb.Panel {
	return subjectweb.Panel{
		Categories: []thimble.Category{thimble.PurchaseHistory},
		Show: func(ctx context.Context, r subjectweb.Reading) (subjectweb.Part, error) {
			part := subjectweb.Part{ID: "orders", Title: "Orders", Empty: &web.Empty{Icon: "orders", Title: "No orders", Text: "This customer has ordered nothing that was imported."}}
			opened, more, err := consoleOpen(ctx, r.Grant, orders)
			if err != nil {
				return part, err
			}
			names, err := products.Get(ctx, consoleItems(opened)...)
			if err != nil {
				return part, err
			}
			if len(opened) > 0 {
				part.Note = web.Plural(len(opened), "order", "orders") + ", the newest first."
			}
			if more {
				part.Note = fmt.Sprintf("The newest %d orders.", consolePanelOrders)
			}
			for i, o := range opened {
				part.Folds = append(part.Folds, consoleFold(i, o, names))
			}
			return part, nil
		},
	}
}

func consoleOpen(ctx context.Context, g thimble.Grant, orders ConsoleOrders) (opened []order.Order, more bool, err error) {
	sealed, err := orders.Of(ctx, g.Subject(), consolePanelOrders+1)
	if err != nil {
		return nil, false, err
	}
	more = len(sealed) > consolePanelOrders
	for _, s := range sealed[:min(len(sealed), consolePanelOrders)] {
		o, err := order.Open(ctx, g, s)
		if err != nil {
			return nil, false, err
		}
		opened = append(opened, o)
	}
	return opened, more, nil
}

func consoleItems(orders []order.Order) (ids []thimble.ItemID) {
	seen := map[thimble.ItemID]bool{}
	for _, o := range orders {
		for _, l := range o.Lines {
			if !seen[l.Item] {
				seen[l.Item], ids = true, append(ids, l.Item)
			}
		}
	}
	return ids
}

func consoleFold(i int, o order.Order, names map[thimble.ItemID]catalog.Product) subjectweb.Fold {
	t := web.Table{
		ID: fmt.Sprintf("order-%d", i+1), Caption: "Lines of order " + o.Number, HideCaption: true,
		Columns: []web.Column{{Label: "Product"}, {Label: "Units", Kind: web.NumberColumn}, {Label: "Price", Kind: web.NumberColumn, Secondary: true}, {Label: "Total", Kind: web.NumberColumn}},
	}
	var sum thimble.Money
	var units int64
	for _, l := range o.Lines {
		total := thimble.Money{Minor: l.Units * l.Price.Minor, Currency: l.Price.Currency}
		name := string(l.Item)
		if p, ok := names[l.Item]; ok {
			name = p.Name
		}
		t.Rows = append(t.Rows, web.Row{Cells: web.Cells(web.Cell{Value: name, Sub: string(l.Item)}, l.Units, l.Price, total)})
		sum.Minor, sum.Currency, units = sum.Minor+total.Minor, total.Currency, units+l.Units
	}
	t.Totals = web.Cells("Total", units, nil, sum)
	f := subjectweb.Fold{Summary: "Order " + o.Number, Table: t, Open: i == 0 && len(o.Lines) <= consoleOpenLines,
		Detail: fmt.Sprintf("· %s · %s · %s", web.Date(o.PlacedAt), web.Plural(len(o.Lines), "line", "lines"), web.Money(sum))}
	if o.Return {
		f.Summary, f.Badge = "Return "+o.Number, &web.Badge{Text: "Came back", Tone: web.Warn}
	}
	return f
}
