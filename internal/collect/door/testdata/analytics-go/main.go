// Command analyticsgo makes each call of analytics-go once, or, with COUNT, so many
// tracks. It is a module of its own, so that nothing of it is in the product's go.mod.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/segmentio/analytics-go/v3"
)

func main() {
	count, _ := strconv.Atoi(os.Getenv("COUNT"))
	done := make(report, 1000)
	client, err := analytics.NewWithConfig(os.Getenv("WRITE_KEY"), analytics.Config{
		Endpoint: os.Getenv("BASE"), BatchSize: 100, RetryAfter: func(int) time.Duration { return 50 * time.Millisecond },
		DefaultContext: &analytics.Context{Locale: "de-DE", IP: net.ParseIP("203.0.113.7"), Extra: map[string]any{
			"consent": map[string]any{"categoryPreferences": map[string]bool{"Analytics": true, "Personalization": true, "Training": true, "Functional": true}},
		}},
		Interval: 50 * time.Millisecond, Callback: done,
	})
	if err != nil {
		log.Fatal(err)
	}
	all := messages(count)
	for _, m := range all {
		if err := client.Enqueue(m); err != nil {
			log.Fatal(err)
		}
	}
	// Close sends once and waits for no retry: what is to be tried again needs time before.
	for range all {
		if err := <-done; err != nil {
			fmt.Println("failed:", err)
		}
	}
	if err := client.Close(); err != nil {
		log.Fatal(err)
	}
}

// A report is where the client says what became of each message.
type report chan error

// Success implements analytics.Callback.
func (r report) Success(analytics.Message) { r <- nil }

// Failure implements analytics.Callback.
func (r report) Failure(_ analytics.Message, err error) { r <- err }

func messages(count int) (all []analytics.Message) {
	for i := range count {
		all = append(all, analytics.Track{UserId: "u" + strconv.Itoa(i), Event: "Product Viewed", Properties: analytics.NewProperties().Set("product_id", "SKU-"+strconv.Itoa(i))})
	}
	if count > 0 {
		return all
	}
	at := time.Date(2026, 11, 29, 10, 0, 0, 123456789, time.UTC)
	return []analytics.Message{
		analytics.Identify{UserId: "u1", AnonymousId: "a1", Timestamp: at, Traits: analytics.NewTraits().SetEmail("ada@shop.example").SetFirstName("Ada").Set("birthday", "1990-05-17").Set("address", map[string]any{"city": "Bremen", "country": "DE", "street": "Am Wall 1"})},
		analytics.Track{UserId: "u1", Timestamp: at, Event: "Product Viewed", Properties: analytics.NewProperties().Set("product_id", "SKU-1").SetName("Linen shirt").SetPrice(49.95).SetCurrency("EUR").Set("size", "M").Set("secret_note", "x")},
		analytics.Track{AnonymousId: "a1", Timestamp: at, Event: "Products Searched", Properties: analytics.NewProperties().Set("query", "shirt for ada@shop.example")},
		analytics.Track{UserId: "u1", Timestamp: at, Event: "Order Completed", Properties: analytics.NewProperties().SetOrderId("O-1").Set("total", "99.90").SetCurrency("EUR").SetProducts(analytics.Product{ID: "SKU-1", Price: 49.95})},
		analytics.Page{UserId: "u1", Timestamp: at, Name: "Start", Properties: analytics.NewProperties().SetURL("https://shop.example/start?email=ada@shop.example").SetTitle("Start")},
		analytics.Screen{UserId: "u1", Timestamp: at, Name: "Basket"},
		analytics.Group{UserId: "u1", Timestamp: at, GroupId: "g1", Traits: analytics.NewTraits().SetName("Friends")},
		analytics.Alias{UserId: "u1", PreviousId: "old-u1", Timestamp: at},
	}
}
