// Send a hit to Goby and print its outcome: GOBY_SERVER=http://127.0.0.1:8000 GOBY_TOKEN=goby_… go run .
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"
)

// Event is one event. Its ID is ours, so that it may be sent again until the answer is known.
type Event struct {
	ID      string          `json:"id"`
	Topic   string          `json:"topic"`
	Key     string          `json:"key"`
	Payload json.RawMessage `json:"payload"`
}

// Answer is what became of an event. Results stay JSON: each script has a shape of its own.
type Answer struct {
	Event    string `json:"event"`
	Complete bool   `json:"complete"`
	Outcomes []struct {
		Script  string          `json:"script"`
		Status  string          `json:"status"`
		Version *int            `json:"version"`
		Result  json.RawMessage `json:"result"`
	} `json:"outcomes"`
}

// Problem is the body of every error (RFC 9457).
type Problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

const attempts = 5

func send(client *http.Client, server, token string, event Event) (*Answer, error) {
	body, err := json.Marshal(event)
	if err != nil {
		return nil, err
	}
	var last error
	for attempt := 0; attempt < attempts; attempt++ {
		request, err := http.NewRequest(http.MethodPost, server+"/api/v1/events?wait=10", bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil { // whether it arrived is unknown: the same id makes it safe to send again
			last = err
			time.Sleep(time.Second)
			continue
		}
		answer, wait, err := read(response)
		if err == nil || wait == 0 {
			return answer, err
		}
		last = err
		time.Sleep(wait)
	}
	return nil, last
}

// read gives the answer, or an error and how long to wait before the next attempt (0: sending it again would not help).
func read(response *http.Response) (*Answer, time.Duration, error) {
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, time.Second, err
	}
	if response.StatusCode < 300 {
		var answer Answer
		err := json.Unmarshal(content, &answer)
		return &answer, 0, err
	}
	var problem Problem
	if json.Unmarshal(content, &problem) != nil {
		problem.Detail = response.Status
	}
	seconds, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	return nil, time.Duration(seconds) * time.Second, fmt.Errorf("%s: %s", problem.Code, problem.Detail)
}

func main() {
	payload, err := os.ReadFile("../hit.json")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	event := Event{ID: fmt.Sprintf("hit-%d", time.Now().UnixNano()), Topic: "wargame.hit", Key: "example", Payload: payload}
	client := &http.Client{Timeout: 15 * time.Second}
	answer, err := send(client, os.Getenv("GOBY_SERVER"), os.Getenv("GOBY_TOKEN"), event)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, outcome := range answer.Outcomes {
		fmt.Printf("%s: %s %s\n", outcome.Script, outcome.Status, outcome.Result)
	}
}
