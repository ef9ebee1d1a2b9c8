package app

import (
	"context"

	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"thimble"
	"thimble/internal/web"
)

// TelemetryConfig says what is measured. Its zero value measures requests.
type TelemetryConfig struct {
	Gauges  []Gauge
	Counts  []prometheus.Collector
	Traces  string       // OTLP over HTTP endpoint, such as http://localhost:4318; empty means no traces
	Version string       // of Thimble, in traces
	Log     *slog.Logger // gets the access log; nil means silence
}

// A Gauge is a number that is asked for when metrics are read.
type Gauge struct {
	Name string // after "thimble_", such as "ledger_leaves"
	Help string
	Read func(ctx context.Context) (float64, error)
}

// Telemetry measures requests, and tells nothing of what they were about: no
// path, query, address or browser reaches a metric, a trace or the access log,
// since each can name a person. A route is known by its pattern.
type Telemetry struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	log      *slog.Logger
	provider *sdktrace.TracerProvider // nil without an endpoint
	tracer   trace.Tracer
}

// NewTelemetry returns telemetry with a registry of its own.
func NewTelemetry(ctx context.Context, cfg TelemetryConfig) (*Telemetry, error) {
	t := &Telemetry{
		registry: prometheus.NewRegistry(), log: cfg.Log,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "thimble_http_requests_total", Help: "Requests answered, by route pattern."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "thimble_http_request_seconds", Help: "Time to answer, by route pattern.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"route"}),
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	all := []prometheus.Collector{t.requests, t.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})}
	for _, g := range cfg.Gauges {
		all = append(all, t.gauge(g))
	}
	for _, c := range append(all, cfg.Counts...) {
		if err := t.registry.Register(c); err != nil {
			return nil, fmt.Errorf("app: metrics: %w", err)
		}
	}
	return t, t.trace(ctx, cfg)
}

// gaugePatience bounds how long reading the metrics may wait for one number.
const gaugePatience = 2 * time.Second

func (t *Telemetry) gauge(g Gauge) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "thimble_" + g.Name, Help: g.Help}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), gaugePatience)
		defer cancel()
		v, err := g.Read(ctx)
		if err != nil {
			t.log.WarnContext(ctx, "metric not read", slog.String("metric", g.Name), slog.String("cause", err.Error()))
			return math.NaN() // not 0: an alarm must not take a fault for calm
		}
		return v
	})
}

// trace sets up traces, where an endpoint is configured. The resource is ours
// alone: the default one names the machine and the command line.
func (t *Telemetry) trace(ctx context.Context, cfg TelemetryConfig) error {
	if cfg.Traces == "" {
		return nil
	}
	at, err := url.Parse(cfg.Traces)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return fmt.Errorf("configuration: traces: an address such as http://localhost:4318 was expected: %w", thimble.ErrInvalid)
	}
	if !strings.HasSuffix(at.Path, "/v1/traces") {
		at = at.JoinPath("v1", "traces")
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(at.String()))
	if err != nil {
		return fmt.Errorf("configuration: traces: %w: %w", err, thimble.ErrInvalid)
	}
	t.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "thimble"), attribute.String("service.version", cfg.Version))))
	t.tracer = t.provider.Tracer("thimble")
	return nil
}

// Handler serves the metrics.
func (t *Telemetry) Handler() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Shutdown sends the spans that are left.
func (t *Telemetry) Shutdown(ctx context.Context) error {
	if t.provider == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("app: sending the last traces: %w", err)
	}
	return nil
}

// Middleware measures next. It writes the access log as well, and takes its
// figures from that one line: what is not in the line is in no metric and no
// trace. It goes inside [web.RequestID]; [web.AccessLog] is not needed beside it.
func (t *Telemetry) Middleware(next http.Handler) http.Handler {
	return t.measure(next, slog.LevelInfo)
}

// Quiet is Middleware for what comes by the thousand each second: its lines are of the
// level debug.
func (t *Telemetry) Quiet(next http.Handler) http.Handler { return t.measure(next, slog.LevelDebug) }

func (t *Telemetry) measure(next http.Handler, level slog.Level) http.Handler {
	logged := web.AccessLog(next, slog.New(&lines{Handler: t.log.Handler(), to: t, level: level}))
	if t.tracer == nil {
		return logged
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The caller's trace is continued by its ids. Its tracestate and baggage
		// are free text, and are not.
		parent := propagation.MapCarrier{"traceparent": r.Header.Get("Traceparent")}
		ctx, span := t.tracer.Start(propagation.TraceContext{}.Extract(r.Context(), parent), "request", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		logged.ServeHTTP(w, r.WithContext(ctx))
	})
}

// lines is a log's handler that counts the lines of the access log.
type lines struct {
	slog.Handler
	to    *Telemetry
	level slog.Level // of each line
}

// Enabled implements slog.Handler: a line is counted also when it is not kept.
func (*lines) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *lines) Handle(ctx context.Context, r slog.Record) error {
	var seen request
	r.Attrs(func(a slog.Attr) bool { seen.note(a); return true })
	l.to.count(ctx, seen)
	r.Level = l.level
	if !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

// A request is one line of the access log.
type request struct {
	method, route, id string
	status            int
	took              time.Duration
}

func (s *request) note(a slog.Attr) {
	switch a.Key {
	case "method":
		s.method = a.Value.String()
	case "route":
		// A pattern begins with its method, unless it is for all of them.
		_, path, found := strings.Cut(a.Value.String(), " ")
		if s.route = path; !found {
			s.route = a.Value.String()
		}
	case "request_id":
		s.id = a.Value.String()
	case "status":
		s.status = int(a.Value.Int64())
	case "took":
		s.took = a.Value.Duration()
	}
}

func (t *Telemetry) count(ctx context.Context, seen request) {
	t.requests.WithLabelValues(seen.route, seen.method, strconv.Itoa(seen.status)).Inc()
	t.seconds.WithLabelValues(seen.route).Observe(seen.took.Seconds())
	if t.tracer == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	span.SetName(seen.method + " " + seen.route)
	span.SetAttributes(
		attribute.String("http.request.method", seen.method), attribute.String("http.route", seen.route),
		attribute.Int("http.response.status_code", seen.status), attribute.String("thimble.request_id", seen.id))
	if seen.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, "server error")
	}
}
