package lint

import (
	neturl "net/url"
	"path/filepath"
	"slices"
)

// The parts of SARIF 2.1.0 that findings need.
//
// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID            string      `json:"id"`
		Description   sarifText   `json:"shortDescription"`
		HelpURI       string      `json:"helpUri"`
		Configuration sarifConfig `json:"defaultConfiguration"`
	}
	sarifConfig struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		Line   int `json:"startLine"`
		Column int `json:"startColumn"`
	}
)

var sarifLevels = []string{"note", "warning", "error"}

func newSARIF(version string, findings []Finding) sarif {
	driver := sarifDriver{Name: "kohealth", Version: version, InformationURI: "https://github.com/ko-health/kohealth"}
	for _, r := range Rules() {
		driver.Rules = append(driver.Rules, sarifRule{r.ID, sarifText{r.Doc}, r.Source, sarifConfig{sarifLevels[r.Severity]}})
	}
	run := sarifRun{Tool: sarifTool{driver}, Results: []sarifResult{}}
	for _, f := range findings {
		run.Results = append(run.Results, newResult(driver.Rules, f))
	}
	return sarif{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

func newResult(rules []sarifRule, f Finding) sarifResult {
	text := f.who() + f.Message
	if f.Fix != "" {
		text += "\n" + f.Fix
	}
	place := sarifPhysical{Artifact: sarifArtifact{fileURI(f.File)}}
	if f.Line > 0 {
		place.Region = &sarifRegion{f.Line, f.Column}
	}
	return sarifResult{
		RuleID:    f.Rule,
		RuleIndex: slices.IndexFunc(rules, func(r sarifRule) bool { return r.ID == f.Rule }),
		Level:     sarifLevels[f.Severity],
		Message:   sarifText{text},
		Locations: []sarifLocation{{place}},
	}
}

// fileURI returns a file's name, or an image's, as a relative reference (RFC 3986).
func fileURI(name string) string {
	return (&neturl.URL{Path: filepath.ToSlash(name)}).String()
}
