// Send a hit to Goby and print its outcome: GOBY_SERVER=http://127.0.0.1:8000 GOBY_TOKEN=goby_… dotnet run
// It is C# 7 and uses the base library alone, so that engines on Mono can take it too:
//   mcs -r:System.Net.Http -r:System.Runtime.Serialization -r:System.Xml Program.cs && mono Program.exe
using System;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading.Tasks;
using System.Xml;

static class Program
{
    const int Attempts = 5;

    static int Main(string[] arguments)
    {
        var payload = File.ReadAllText(arguments.Length > 0 ? arguments[0] : "../hit.json");
        return SendAsync(payload).GetAwaiter().GetResult();
    }

    static async Task<int> SendAsync(string payload)
    {
        var server = Environment.GetEnvironmentVariable("GOBY_SERVER") ?? "http://127.0.0.1:8000";
        var token = Environment.GetEnvironmentVariable("GOBY_TOKEN") ?? "";
        // The id is ours, so that the event may be sent again until the answer is known.
        var id = "hit-" + Guid.NewGuid();
        var body = $"{{\"id\": \"{id}\", \"topic\": \"wargame.hit\", \"key\": \"example\", \"payload\": {payload}}}";

        using (var client = new HttpClient { BaseAddress = new Uri(server), Timeout = TimeSpan.FromSeconds(15) })
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
            for (var attempt = 1; ; attempt++)
            {
                var wait = TimeSpan.FromSeconds(1); // where no answer came, whether it arrived is unknown: the same id makes it safe to send again
                string problem;
                try
                {
                    using (var content = new StringContent(body, Encoding.UTF8, "application/json"))
                    using (var response = await client.PostAsync("/api/v1/events?wait=10", content))
                    {
                        var answer = Read(await response.Content.ReadAsByteArrayAsync());
                        if (response.IsSuccessStatusCode)
                        {
                            foreach (XmlElement outcome in answer.SelectNodes("outcomes/item"))
                                Console.WriteLine($"{outcome["script"].InnerText}: {outcome["status"].InnerText} {AsJson(outcome["result"])}");
                            return 0;
                        }
                        problem = $"{answer["code"]?.InnerText}: {answer["detail"]?.InnerText}";
                        var asked = response.Headers.RetryAfter?.Delta;
                        if (asked == null) // to send the same again would not help
                        {
                            Console.Error.WriteLine(problem);
                            return 1;
                        }
                        wait = asked.Value;
                    }
                }
                catch (Exception error) when (error is HttpRequestException || error is TaskCanceledException || error is XmlException)
                {
                    problem = error.Message;
                }
                if (attempt == Attempts)
                {
                    Console.Error.WriteLine(problem);
                    return 1;
                }
                await Task.Delay(wait);
            }
        }
    }

    // The base library reads JSON as XML: an object's members are elements of their names, a list's are named "item".
    static XmlElement Read(byte[] json)
    {
        var document = new XmlDocument();
        using (var reader = JsonReaderWriterFactory.CreateJsonReader(json, XmlDictionaryReaderQuotas.Max))
            document.Load(reader);
        return document.DocumentElement;
    }

    // Results stay JSON: each script has a shape of its own.
    static string AsJson(XmlElement value)
    {
        var root = value.OwnerDocument.CreateElement("root");
        foreach (XmlAttribute attribute in value.Attributes)
            root.SetAttribute(attribute.Name, attribute.Value);
        root.InnerXml = value.InnerXml;
        using (var stream = new MemoryStream())
        {
            using (var writer = JsonReaderWriterFactory.CreateJsonWriter(stream, Encoding.UTF8, false))
                root.WriteTo(writer);
            return Encoding.UTF8.GetString(stream.ToArray());
        }
    }
}
