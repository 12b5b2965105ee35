package workspace

// Kafka is where events are sent. A workspace without it hands over the stored
// change set.
type Kafka struct {
	Brokers []string // host:port
	Topic   string
	Compact bool // the topic is compacted: keys are <feed>/<offer id>, with tombstones
	TLS     *TLS // nil: plain
	SASL    *SASL
}

// TLS is the files of a TLS client, where they are found from here; empty ones are left
// to the system.
type TLS struct {
	CA, Cert, Key string
	ServerName    string
}

// SASL is how a client shows who it is.
type SASL struct {
	Mechanism      string // plain, scram-sha-256 or scram-sha-512
	User, Password string
}

func (v value) kafka() *Kafka {
	k := &Kafka{}
	has := v.object(fields{
		"brokers": func(v value) { k.Brokers = v.hostPorts() },
		"topic":   func(v value) { k.Topic = v.word() },
		"compact": func(v value) { k.Compact = v.truth() },
		"tls":     func(v value) { k.TLS = v.tls() },
		"sasl":    func(v value) { k.SASL = v.sasl() },
	})
	v.require(has, "brokers", "topic")
	return k
}

// tls reads the files of a client, or `true` for the system's certificates.
func (v value) tls() *TLS {
	t := &TLS{}
	if !v.isMap() {
		if v.truth() {
			return t
		}
		return nil
	}
	has := v.object(fields{
		"ca":          func(v value) { t.CA = v.file() },
		"cert":        func(v value) { t.Cert = v.file() },
		"key":         func(v value) { t.Key = v.file() },
		"server_name": func(v value) { t.ServerName = v.word() },
	})
	if _, cert := has["cert"]; cert {
		v.require(has, "key")
	}
	if _, key := has["key"]; key {
		v.require(has, "cert")
	}
	return t
}

func (v value) sasl() *SASL {
	s := &SASL{}
	has := v.object(fields{
		"mechanism": func(v value) { s.Mechanism = v.choice("plain", "scram-sha-256", "scram-sha-512") },
		"user":      func(v value) { s.User = v.word() },
		"password":  func(v value) { s.Password = v.secret() },
	})
	v.require(has, "mechanism", "user", "password")
	return s
}
