package hooks

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"thimble"
	"thimble/internal/collect"
	"thimble/internal/collect/table"
	"thimble/internal/subject"
)

// A Do is what a delivery asks for.
type Do string

// What deliveries ask for.
const (
	Take   Do = "take"   // rows are in it
	Erase  Do = "erase"  // a person is to be forgotten
	Access Do = "access" // a person wants to know what is kept
	Close  Do = "close"  // the shop has left
	Ignore Do = "ignore" // nothing that is collected
)

// A Delivery is one body that was understood.
type Delivery struct {
	Topic string
	Do    Do
	Rows  []Rows               // to take, in this order
	Who   []subject.Identifier // to erase, or who asks
}

// Rows are what a delivery has of one kind.
type Rows struct {
	Kind    collect.Kind
	Mapping table.Mapping
}

func mapping(k collect.Kind, columns map[string]string) Rows {
	return Rows{k, table.Mapping{Kind: string(k), Form: table.Form{Writing: table.JSONL, Encoding: table.UTF8}, Columns: columns}}
}

// The fields of the systems' objects. Of an order first the customer is taken, so that
// who is known by an address gets the number that the order names them by.
var (
	shopifyBuyer = mapping(collect.Customers, map[string]string{
		"account": "customer.id", "email": "customer.email", "first_name": "customer.first_name", "last_name": "customer.last_name",
		"country": "customer.default_address.country_code", "region": "customer.default_address.province_code",
	})
	shopifyOrder = mapping(collect.Orders, map[string]string{
		"number": "name", "item": "line_items.sku", "name": "line_items.title", "units": "line_items.quantity", "time": "created_at", "price": "line_items.price",
		"customer": "customer.id", "email": "email", "country": "shipping_address.country_code", "currency": "currency", "returned": "financial_status",
	})
	shopifyCustomer = mapping(collect.Customers, map[string]string{
		"account": "id", "email": "email", "phone": "phone", "first_name": "first_name", "last_name": "last_name",
		"country": "default_address.country_code", "region": "default_address.province_code",
	})
	wooOrder = mapping(collect.Orders, map[string]string{
		"number": "number", "item": "line_items.sku", "name": "line_items.name", "units": "line_items.quantity", "time": "date_created_gmt", "price": "line_items.price",
		"customer": "customer_id", "email": "billing.email", "country": "shipping.country", "currency": "currency", "returned": "status",
	})
	wooCustomer = mapping(collect.Customers, map[string]string{
		"account": "id", "email": "email", "phone": "billing.phone", "first_name": "first_name", "last_name": "last_name", "country": "billing.country", "region": "billing.state",
	})
)

// A form says by which fields an object is what its topic says.
type form struct {
	do   Do
	has  []string // fields that it must have
	not  []string // and must not
	rows []Rows
}

var forms = map[System]map[string]form{
	Shopify: {
		"orders/create":    {Take, []string{"name", "created_at", "line_items.quantity"}, nil, []Rows{shopifyBuyer, shopifyOrder}},
		"orders/updated":   {Take, []string{"name", "created_at", "line_items.quantity"}, nil, []Rows{shopifyBuyer, shopifyOrder}},
		"customers/create": {Take, []string{"id", "created_at"}, []string{"line_items", "customer.id", "shop_domain"}, []Rows{shopifyCustomer}},
		"customers/update": {Take, []string{"id", "created_at"}, []string{"line_items", "customer.id", "shop_domain"}, []Rows{shopifyCustomer}},
		// What Shopify's rules of privacy ask of every app.
		"customers/redact":       {Erase, []string{"shop_domain", "customer.id", "orders_to_redact"}, []string{"data_request.id"}, nil},
		"customers/data_request": {Access, []string{"shop_domain", "customer.id", "data_request.id"}, []string{"orders_to_redact"}, nil},
		"shop/redact":            {Close, []string{"shop_id", "shop_domain"}, []string{"customer.id"}, nil},
	},
	WooCommerce: {
		"order.created":    {Take, []string{"number", "date_created_gmt", "line_items.quantity"}, nil, []Rows{wooOrder}},
		"order.updated":    {Take, []string{"number", "date_created_gmt", "line_items.quantity"}, nil, []Rows{wooOrder}},
		"customer.created": {Take, []string{"id", "email", "date_created_gmt"}, []string{"line_items", "number"}, []Rows{wooCustomer}},
		"customer.updated": {Take, []string{"id", "email", "date_created_gmt"}, []string{"line_items", "number"}, []Rows{wooCustomer}},
	},
}

// Topics are those that a system's deliveries are read of, in order.
func Topics(s System) []string { return slices.Sorted(maps.Keys(forms[s])) }

// Read reads a body that was verified. A topic that is not known is ignored: systems send
// more than what is asked for. The error is of kind thimble.ErrInvalid.
func (f Feed) Read(topic string, body []byte) (Delivery, error) {
	topic = strings.ToLower(strings.TrimSpace(topic))
	d := Delivery{Topic: topic, Do: Ignore}
	known, ok := forms[f.System][topic]
	if !ok {
		d.Topic = "other"
		return d, nil
	}
	o, flaw := table.ParseObject(body)
	if flaw != "" {
		return d, fmt.Errorf("hooks: %s: %s: %s: %w", f, topic, flaw.Rule(), thimble.ErrInvalid)
	}
	for _, field := range known.has {
		if !o.Has(field) {
			return d, fmt.Errorf("hooks: %s: a body of %s has no %s: %w", f, topic, field, thimble.ErrInvalid)
		}
	}
	for _, field := range known.not {
		if o.Has(field) {
			return d, fmt.Errorf("hooks: %s: a body of %s has no %s, and this one does: %w", f, topic, field, thimble.ErrInvalid)
		}
	}
	d.Do, d.Rows = known.do, known.rows
	if d.Do == Erase || d.Do == Access {
		d.Who = who(o)
	}
	return d, nil
}

// who reads the customer of a request. What cannot be an identifier is none.
func who(o table.Parsed) (all []subject.Identifier) {
	for _, part := range []struct {
		kind  subject.Kind
		field string
	}{{subject.Account, "customer.id"}, {subject.Email, "customer.email"}, {subject.Phone, "customer.phone"}} {
		if id, err := subject.NewIdentifier(part.kind, o.Get(part.field)); err == nil {
			all = append(all, id)
		}
	}
	return all
}
