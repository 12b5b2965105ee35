package services

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// A pom is a Maven project that only depends.
type pom struct {
	XMLName      xml.Name   `xml:"http://maven.apache.org/POM/4.0.0 project"`
	ModelVersion string     `xml:"modelVersion"`
	GroupID      string     `xml:"groupId"`
	ArtifactID   string     `xml:"artifactId"`
	Version      string     `xml:"version"`
	Packaging    string     `xml:"packaging"`
	Dependencies []artifact `xml:"dependencies>dependency"`
}

type artifact struct {
	GroupID    string      `xml:"groupId"`
	ArtifactID string      `xml:"artifactId"`
	Version    string      `xml:"version"`
	Exclusions []exclusion `xml:"exclusions>exclusion,omitempty"`
}

type exclusion struct {
	GroupID    string `xml:"groupId"`
	ArtifactID string `xml:"artifactId"`
}

// classpathGoal is pinned, or Maven would take what is newest.
const classpathGoal = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:build-classpath"

// Classpath returns the Java classpath of Maven artifacts, each written as
// group:artifact:version, with all that they need, or with @jar at the end without.
// Maven fetches them the first time. Without java or mvn it is ErrMissing.
func Classpath(ctx context.Context, artifacts ...string) (string, error) {
	for _, program := range []string{"java", "mvn"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", fmt.Errorf("%w: %w", ErrMissing, err)
		}
	}
	project, err := newPom(artifacts)
	if err != nil {
		return "", err
	}
	dir, err := cacheFolder(fmt.Sprintf("classpath-%x", sha256.Sum256(project))[:30])
	if err != nil {
		return "", err
	}
	var classpath string
	err = locked(dir, func() error {
		classpath, err = resolve(ctx, dir, project)
		return err
	})
	return classpath, err
}

func newPom(artifacts []string) ([]byte, error) {
	p := pom{ModelVersion: "4.0.0", GroupID: "feedmill", ArtifactID: "services", Version: "1", Packaging: "pom"}
	for _, a := range artifacts {
		name, alone := strings.CutSuffix(a, "@jar")
		parts := strings.Split(name, ":")
		if len(parts) != 3 {
			return nil, fmt.Errorf("artifact %q: group:artifact:version is meant", a)
		}
		d := artifact{GroupID: parts[0], ArtifactID: parts[1], Version: parts[2]}
		if alone {
			d.Exclusions = []exclusion{{"*", "*"}}
		}
		p.Dependencies = append(p.Dependencies, d)
	}
	return xml.MarshalIndent(p, "", "  ")
}

// resolve returns the classpath found before as long as its files are there.
func resolve(ctx context.Context, dir string, project []byte) (string, error) {
	file := filepath.Join(dir, "classpath")
	known, err := os.ReadFile(file)
	if err == nil && present(string(known)) {
		return string(known), nil
	}
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), project, 0o666); err != nil {
		return "", err
	}
	mvn := exec.CommandContext(ctx, "mvn", "-B", "-ntp", "-q", "-f", filepath.Join(dir, "pom.xml"),
		classpathGoal, "-Dmdep.includeScope=runtime", "-Dmdep.outputFile="+file)
	if said, err := mvn.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: mvn: %w\n%s", ErrMissing, err, bytes.TrimSpace(said))
	}
	known, err = os.ReadFile(file)
	return string(known), err
}

func present(classpath string) bool {
	for _, jar := range filepath.SplitList(classpath) {
		if _, err := os.Stat(jar); err != nil {
			return false
		}
	}
	return classpath != ""
}

// JVM returns the arguments of a small Java process, with java first: heap is
// such as 256m, the classpath's first entries are its own configuration folders.
func JVM(classpath, heap string, args ...string) []string {
	return append([]string{
		"java", "-Xms32m", "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-XX:+ExitOnOutOfMemoryError", "-Djava.net.preferIPv4Stack=true", "-cp", classpath,
	}, args...)
}

// locked runs do while no other process does the same for that folder.
func locked(dir string, do func() error) error {
	file, err := os.Create(filepath.Join(dir, ".lock"))
	if err != nil {
		return err
	}
	defer file.Close() // lets the lock go
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	return do()
}
