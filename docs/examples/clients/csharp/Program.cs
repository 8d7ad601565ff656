// Send a hit to Goby and print its outcome: GOBY_SERVER=http://127.0.0.1:8000 GOBY_TOKEN=goby_… dotnet run
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

const int Attempts = 5;

var server = Environment.GetEnvironmentVariable("GOBY_SERVER") ?? "http://127.0.0.1:8000";
var token = Environment.GetEnvironmentVariable("GOBY_TOKEN") ?? "";
var payload = File.ReadAllText(args.Length > 0 ? args[0] : "../hit.json");
// The id is ours, so that the event may be sent again until the answer is known.
var body = $$"""{"id": "hit-{{Guid.NewGuid()}}", "topic": "wargame.hit", "key": "example", "payload": {{payload}}}""";

using var client = new HttpClient { BaseAddress = new Uri(server), Timeout = TimeSpan.FromSeconds(15) };
client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);

for (var attempt = 1; ; attempt++)
{
    try
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await client.PostAsync("/api/v1/events?wait=10", content);
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        if (response.IsSuccessStatusCode)
        {
            foreach (var outcome in document.RootElement.GetProperty("outcomes").EnumerateArray())
                Console.WriteLine($"{outcome.GetProperty("script")}: {outcome.GetProperty("status")} {outcome.GetProperty("result").GetRawText()}");
            return 0;
        }
        var detail = $"{document.RootElement.GetProperty("code")}: {document.RootElement.GetProperty("detail")}";
        if (response.Headers.RetryAfter?.Delta is not { } wait || attempt == Attempts)
        {
            Console.Error.WriteLine(detail);
            return 1;
        }
        await Task.Delay(wait);
    }
    catch (Exception error) when (error is HttpRequestException or TaskCanceledException or JsonException)
    {
        if (attempt == Attempts)
        {
            Console.Error.WriteLine(error.Message);
            return 1;
        }
        await Task.Delay(TimeSpan.FromSeconds(1)); // whether it arrived is unknown: the same id makes it safe to send again
    }
}
