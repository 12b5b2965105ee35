package serve

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus scrapes. They name no feeds: those who may not
// fetch a feed shall not learn of it here.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	failures prometheus.Counter
	underWay prometheus.Gauge
}

func newMetrics(s *shelf, reads func() (reads, bytes int64)) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "feedmill_requests_total", Help: "Requests answered, by what was asked for, method and status."}, []string{"kind", "method", "code"}),
		bytes:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "feedmill_sent_bytes_total", Help: "Bytes of bodies sent."}, []string{"kind"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "feedmill_request_seconds", Help: "How long requests took, downloads to their end.",
			Buckets: []float64{.001, .01, .1, 1, 10, 60, 600, 3600}}, []string{"kind"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "feedmill_broken_total", Help: "Requests that could not be answered, or not to their end, because of the warehouse."}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Name: "feedmill_requests_under_way", Help: "Requests that are being answered."}),
	}
	m.registry.MustRegister(m.requests, m.bytes, m.seconds, m.failures, m.underWay, published{s},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if reads != nil {
		m.registry.MustRegister(
			prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "feedmill_store_reads_total", Help: "Opens and reads of feeds in the distant store, which the cache could not answer."},
				func() float64 { n, _ := reads(); return float64(n) }),
			prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "feedmill_store_read_bytes_total", Help: "Bytes of feeds read from the distant store."},
				func() float64 { _, n := reads(); return float64(n) }))
	}
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// took counts a request. Methods that nobody needs are one.
func (m *metrics) took(kind, method string, res *response, seconds float64) {
	if method != http.MethodGet && method != http.MethodHead {
		method = "other"
	}
	m.requests.WithLabelValues(kind, strings.ToLower(method), strconv.Itoa(res.status)).Inc()
	m.bytes.WithLabelValues(kind).Add(float64(res.bytes))
	m.seconds.WithLabelValues(kind).Observe(seconds)
}

// published collects what is published now.
type published struct{ shelf *shelf }

var (
	publishedFeeds = prometheus.NewDesc("feedmill_published_feeds", "Feeds that are published.", nil, nil)
	publishedItems = prometheus.NewDesc("feedmill_published_items", "Items of all published feeds.", nil, nil)
	heldFeeds      = prometheus.NewDesc("feedmill_held_feeds", "Feeds that the guard keeps from being published anew.", nil, nil)
	publishedTime  = prometheus.NewDesc("feedmill_published_timestamp_seconds", "When the run that is current finished.", nil, nil)
)

func (p published) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{publishedFeeds, publishedItems, heldFeeds, publishedTime} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Before anything could be read there is
// nothing to say.
func (p published) Collect(ch chan<- prometheus.Metric) {
	p.shelf.mu.Lock()
	catalog := p.shelf.catalog
	p.shelf.mu.Unlock()
	if catalog == nil {
		return
	}
	items := int64(0)
	for _, e := range catalog.Feeds {
		items += e.Items
	}
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(publishedFeeds, float64(len(catalog.Feeds)))
	gauge(publishedItems, float64(items))
	gauge(heldFeeds, float64(len(catalog.Holds)))
	if catalog.Run != "" {
		gauge(publishedTime, float64(catalog.Finished.UnixMilli())/1000)
	}
}
